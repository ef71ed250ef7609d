import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { predictTopic } from '../../../src/contract/mod.js';
import { openPackage } from '../../../src/model/mod.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { bundleScript } from '../../lib/bundle-script.js';
import { reportFaultRow, skipFaultRow } from '../../lib/fault-table.js';
import { straceAbsence, traceProcess } from '../../lib/strace.js';

const ACTIVATION = fileURLToPath(new URL('./activation-process.js', import.meta.url));

/** What changes files while a package is copied, the registry written, and old copies deleted. */
const SYSCALLS = [
  'openat',
  'write',
  'fsync',
  'rename',
  'mkdir',
  'unlink',
  'rmdir',
  'copy_file_range',
  'sendfile',
  'ioctl',
  'fchmod',
];

describe('faults: the agent is killed while it activates a package', function () {
  let folder = '';
  let script = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-activation-'));
    script = await bundleScript(ACTIVATION, folder);
  });
  after(async () => await rm(folder, { recursive: true, force: true }));

  it('D3: at every system call of copy, switch and way back: the old version answers or the new one', async function () {
    const absence = straceAbsence();
    if (absence !== undefined) {
      skipFaultRow('D3', absence);
      this.skip();
    }
    const seed = join(folder, 'seed');
    const second = await makeSeed(seed);
    const answered = new Map<string, number>();
    let cycles = 0;
    // Two processes at once: most of a cycle is their start.
    const calls = [...SYSCALLS];
    const lane = async (work: string): Promise<void> => {
      for (let call = calls.shift(); call !== undefined; call = calls.shift()) {
        for (let count = 1, finished = false; !finished; count++) {
          await cp(seed, work, { recursive: true });
          finished = await killAt(script, work, second.replace(seed, work), call, count);
          const version = await answerAfter(work);
          answered.set(version, (answered.get(version) ?? 0) + 1);
          await rm(work, { recursive: true, force: true });
          if (!finished) cycles++;
        }
      }
    };
    await Promise.all([lane(join(folder, 'work-1')), lane(join(folder, 'work-2'))]);
    const unanswered = answered.get('none') ?? 0;
    const note = [...answered].map(([version, times]) => `${version}:${times}`).join(' ');
    reportFaultRow({
      row: 'D3',
      cycles,
      lost: unanswered,
      duplicated: 0,
      corrupt: 0,
      note: `answered by ${note}`,
    });
    assert.equal(unanswered, 0);
    assert.ok(cycles > 30, `only ${cycles} points were found`);
    assert.ok((answered.get('1.0.0') ?? 0) > 0 && (answered.get('2.0.0') ?? 0) > 0, note);
  });
});

/** A device that serves 1.0.0, and a package 2.0.0 beside it. */
async function makeSeed(folder: string): Promise<string> {
  const twins = await AgentTwins.create({ folder });
  // Both with weights in a file of their own, which the agent's copy has to hold whole.
  await twins.register(await twins.package('1.0.0', 'Model', { weightsBytes: 100_000 }));
  const second = await twins.package('2.0.0', 'Model', { weightsBytes: 200_000 });
  await twins.stop();
  return second;
}

/** Kills the process at the count-th call of this name. True where it had finished before. */
async function killAt(
  script: string,
  folder: string,
  path: string,
  call: string,
  count: number,
): Promise<boolean> {
  const child = spawn(process.execPath, [script, folder, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // One pool thread, as strace counts calls by thread.
    env: { PATH: process.env['PATH'] ?? '', UV_THREADPOOL_SIZE: '1' },
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdin.on('error', () => undefined);
  const exited = once(child, 'exit');
  while (!said.includes('ready')) await once(child.stdout, 'data');
  const ended = await traceProcess(child.pid ?? 0, [
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:signal=KILL:when=${count}`,
    '-o',
    '/dev/null',
  ]);
  child.stdin.write('go\n');
  await exited;
  await ended();
  return said.includes('done');
}

/** The version that answers after a restart, from a package that is whole; `none` where none does. */
async function answerAfter(folder: string): Promise<string> {
  const twins = await AgentTwins.create({ folder });
  try {
    const request = { inputs: [{ name: 'x', datatype: 'FP32' as const, shape: [1], data: [1] }] };
    const options = { timeoutMs: 5000, topic: predictTopic('Model') };
    const { version } = await twins.requester.request('predict', request, options);
    const { registry, packages } = twins.dependencies;
    const record = registry.state.models['Model']?.versions[version];
    assert.ok(record?.kept === true);
    await openPackage(packages.folder('Model', record.digest), {
      trust: { policy: 'off', keys: [] },
      nowMs: undefined,
      expectedDigest: record.digest,
    });
    return version;
  } catch (error) {
    console.log(`No answer: ${String(error)}`);
    return 'none';
  } finally {
    await twins.stop();
  }
}
