import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '../../../src/core/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { MoodyIpcServer } from '../../lib/moody-ipc-server.js';
import { isWithin } from '../../lib/patience.js';
import { until } from '../../lib/until.js';

const PROCESS = fileURLToPath(new URL('./connecting-process.js', import.meta.url));
const CONNECTS = longRun() ? 500 : 120;
const STOPS = longRun() ? 200 : 20;
const BACK_MS = 10_000;

describe('R27: an IPC listener that closes in the face of our connections', function () {
  this.timeout(900_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'r27-'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  for (const adapter of ['component', 'client'] as const) {
    it(`never ends the process of a ${adapter} that connects`, async () => {
      await using server = new MoodyIpcServer(join(folder, adapter));
      const random = new SeededRandom(27);
      // At once; before the answer; after it, while the device client is connecting or subscribing.
      server.mood = () => {
        const closesMs = Math.floor(random.fraction() * 500);
        const kind = server.accepted % 3;
        if (kind === 0) return { destroysAfterMs: 0 };
        return kind === 1
          ? { answers: false, destroysAfterMs: closesMs }
          : { destroysAfterMs: closesMs % 60 };
      };
      await server.listen();
      const child = start(server, 'connects', adapter, String(CONNECTS));
      const [code, signal] = await child.ended;
      assert.deepEqual([code, signal], [0, null], child.output());
      assert.ok(server.answered > 0, 'the device client was reached');
      reportFaultRow({
        row: 'R27',
        cycles: CONNECTS,
        lost: 0,
        duplicated: 0,
        corrupt: 0,
        note: `connects of a ${adapter}, aborts=0`,
      });
    });
  }

  it('costs no process with publishes under way, and each is back soon after the listener', async () => {
    await using server = new MoodyIpcServer(join(folder, 'publishes'));
    const random = new SeededRandom(27);
    await server.listen();
    const child = start(server, 'publishes');
    const connections = (): number => child.output().split('regained').length - 1;
    await until(() => connections() === 1, 'it is connected');
    let worstMs = 0;
    try {
      for (let stop = 1; stop <= STOPS; stop++) {
        const publishes = server.calls;
        await until(() => server.calls > publishes + random.fraction() * 100, 'publishes are under way');
        await server.stop();
        // A dying nucleus still accepts, and closes at once.
        server.mood = () => ({ destroysAfterMs: 0 });
        await server.listen();
        const seen = server.accepted;
        await until(() => server.accepted > seen || child.process.exitCode !== null, 'a try has come');
        server.mood = () => ({});
        const begunMs = systemClock.monotonicMs();
        await until(() => connections() > stop || child.process.exitCode !== null, 'it is back');
        assert.equal(child.process.exitCode, null, child.output());
        worstMs = Math.max(worstMs, systemClock.monotonicMs() - begunMs);
        assert.equal(server.live, 1);
      }
    } finally {
      child.process.kill('SIGKILL');
    }
    assert.ok(isWithin(worstMs, BACK_MS), `back after ${worstMs} ms`);
    reportFaultRow({
      row: 'R27',
      cycles: STOPS,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `stops under publishes, aborts=0, back within ${Math.ceil(worstMs)} ms`,
    });
  });
});

interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  output(): string;
}

function start(server: MoodyIpcServer, ...args: string[]): Started {
  const child = spawn(process.execPath, [PROCESS, ...args], {
    env: {
      ...process.env,
      AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: server.socketPath,
      SVCUID: 'svcuid',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const ended = once(child, 'exit') as Started['ended'];
  return { process: child, ended, output: () => output };
}
