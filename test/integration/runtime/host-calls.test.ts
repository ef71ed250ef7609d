import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hostCalls, type TracedCall } from '../../lib/host-trace.js';
import { landlockAbsence } from '../../lib/landlock.js';
import { hostScripts } from '../../lib/model-hosts.js';
import { patientMs } from '../../lib/patience.js';
import { straceAbsence } from '../../lib/strace.js';

const SCRIPT = fileURLToPath(new URL('../../lib/hostile-hosts.js', import.meta.url));

/** Which of what a host may use a path belongs to; undefined: of none. */
type Classify = (path: string) => string | undefined;

function classesOf(folder: string, program: string): Classify {
  const classes: readonly (readonly [string, RegExp])[] = [
    ['its package copy', new RegExp(`^${folder}/(Hostile\\d+|Identity)-1\\.0\\.0(/|$)`)],
    ['compiled graphs', new RegExp(`^${folder}/cache(/|$)`)],
    ['the exchange folder', new RegExp(`^${folder}/exchange/`)],
    ['its own program', new RegExp(`^${program}/`)],
    ['Node', new RegExp(`^${process.execPath}$`)],
    ['the C library', /^(\/usr)?\/lib(64)?\/|^\/etc\/(ld\.so\.(cache|preload)|localtime)$/],
    ['/proc/self', /^\/proc\/self\//],
    [
      'the size of the machine',
      /^\/proc\/(cpuinfo|meminfo)$|^\/sys\/(devices|fs\/cgroup|bus\/pci\/devices)(\/|$)/,
    ],
    ['/dev/null', /^\/dev\/null$/],
  ];
  return (path) => classes.find(([, pattern]) => pattern.test(path))?.[0];
}

describe('Model hosts with hostile models', () => {
  it('connect to nobody, execute nothing and open only what is theirs, 20 kinds of them', async function () {
    this.timeout(patientMs(240_000));
    const absence = straceAbsence() ?? (await landlockAbsence());
    if (absence !== undefined) {
      console.log(`    skipped: ${absence}`);
      this.skip();
    }
    const folder = await mkdtemp(join(tmpdir(), 'edge-trace-'));
    try {
      const log = join(folder, 'trace');
      const traced = ['%network', '%file', '%process', 'io_uring_setup'].join(',');
      // CI=true would keep ONNX Runtime's telemetry quiet by itself.
      const { CI: _ci, ...environment } = process.env;
      const { stdout } = await promisify(execFile)(
        'strace',
        // By a filter in the kernel: calls that nobody asked for cost nothing.
        [
          '-f',
          '--seccomp-bpf',
          '-qq',
          '-s',
          '512',
          '-e',
          `trace=${traced}`,
          '-o',
          log,
          process.execPath,
          SCRIPT,
        ],
        { env: environment },
      );
      const outcomes = stdout.trim().split('\n');
      const bench = /^folder (.*)$/.exec(outcomes.pop() ?? '')?.[1] ?? assert.fail(stdout);
      assert.equal(outcomes.length, 20);
      assert.deepEqual(
        outcomes.filter((line) => line.endsWith(': ran')),
        [],
      );
      const calls = hostCalls(await readFile(log, 'utf8'));
      const { entry } = await hostScripts();
      const classify = classesOf(bench, dirname(entry));
      const opens = calls.filter(({ name }) => /^(open|openat|openat2|creat)$/.test(name));
      console.log(summary(calls, opens, classify));
      const named = (...names: string[]): string[] =>
        calls.filter(({ name }) => names.includes(name)).map(({ text }) => text);
      assert.deepEqual(named('socket', 'connect', 'bind', 'sendto', 'io_uring_setup'), []);
      assert.deepEqual(named('execve', 'execveat', 'fork', 'vfork'), []);
      assert.deepEqual(
        opens.filter(({ path = '' }) => classify(path) === undefined).map(({ text }) => text),
        [],
      );
      for (const wanted of ['its package copy', 'compiled graphs', 'the exchange folder'])
        assert.ok(
          opens.some(({ path = '', failed }) => !failed && classify(path) === wanted),
          wanted,
        );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** Calls by name, and files by what they are: what a person wants to see of a trace. */
function summary(calls: readonly TracedCall[], opens: readonly TracedCall[], classify: Classify): string {
  const counted = (keys: readonly string[]): string => {
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    return [...counts].map(([key, count]) => `${key} ${count}`).join(', ');
  };
  const opened = opens.map(({ path = '' }) => classify(path) ?? `OTHER ${path}`);
  return `      calls: ${counted(calls.map(({ name }) => name))}\n      opened: ${counted(opened)}`;
}
