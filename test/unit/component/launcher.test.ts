import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT_PERMANENT } from '../../../src/component/launcher/exit-codes.js';
import { Exits } from '../../../src/component/launcher/exits.js';
import { runLauncher } from '../../../src/component/launcher/launcher.js';
import { ManualClock, SeededRandom, silentLogger, type Logger } from '../../../src/core/mod.js';
import { memoryFiles } from '../../../src/disk/mod.js';
import { until } from '../../lib/until.js';

const MINUTE_MS = 60_000;

describe('the launcher of a component', () => {
  let folder: string;
  let nucleus: Server;
  let entry: string;
  let socketPath: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'launcher-'));
    socketPath = join(folder, 'ipc.socket');
    nucleus = createServer();
    await new Promise<void>((resolve) => nucleus.listen(socketPath, resolve));
    entry = join(folder, 'worker.mjs');
    await writeFile(entry, `process.exit(${EXIT_PERMANENT});`);
  });
  afterEach(async () => {
    nucleus.close();
    await rm(folder, { recursive: true });
  });

  /** A component that a nucleus starts again whenever it ends, until the time is over. @returns minutes of its ends */
  async function endsWithin(minutes: number): Promise<number[]> {
    const clock = new ManualClock();
    let [waits, seen] = [0, 0];
    const logger: Logger = {
      ...silentLogger,
      error: (message) => (waits += Number(message.endsWith('it waits'))),
    };
    const exits = new Exits({ file: '/work/last-exit', files: memoryFiles(), clock });
    const stop = new AbortController();
    const ends: number[] = [];
    const starting = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        const code = await runLauncher({
          title: 'the test',
          worker: 'Worker',
          entry,
          environment: {
            AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: socketPath,
            SVCUID: 'svcuid',
          },
          clock,
          random: new SeededRandom(1),
          logger,
          stop: stop.signal,
          mayEnd: async () => await exits.mayEnd(),
        }).catch(() => 1);
        if (code === 1) ends.push(clock.monotonicMs() / MINUTE_MS);
      }
    };
    const started = starting();
    for (const endMs = minutes * MINUTE_MS; clock.monotonicMs() < endMs;) {
      await until(() => waits > seen, 'its worker has ended');
      seen = waits;
      await clock.advance(5 * MINUTE_MS);
    }
    stop.abort(new Error('over'));
    await started;
    return ends;
  }

  it('ends once an hour at most for what a new start does not mend, and tries again meanwhile', async () => {
    assert.deepEqual(await endsWithin(130), [0, 60, 120]);
  });

  it('does so too where the nucleus has no socket yet: its worker waits for one', async () => {
    nucleus.close();
    await rm(socketPath, { force: true });
    assert.deepEqual(await endsWithin(70), [0, 60]);
  });
});
