import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EdgeManagerClient } from '../../../src/client/mod.js';
import { AGENT, AgentBench } from '../../lib/agent-process.js';
import { writeTestPackage } from '../../lib/model-hosts.js';
import { shippedComponents } from '../../lib/shipped.js';
import { floats } from '../../lib/tensors.js';
import { identityPackage } from '../../lib/test-models.js';
import { until } from '../../lib/until.js';

const DEPLOYMENTS = 3;
const NATIVE = /\.(node|so\.1)$/;
const MODEL_COMPONENT = 'org.edgemanager.model.Identity';

/** Predicts without a pause until it is stopped. */
class Stream {
  answered = 0;
  readonly #app: EdgeManagerClient;
  readonly #running: Promise<void>;
  #isOver = false;

  constructor(app: EdgeManagerClient) {
    this.#app = app;
    this.#running = this.#run();
    // Seen by whoever stops it.
    this.#running.catch(() => undefined);
  }

  /** Resolves when more have been answered; rejects with what failed. */
  async goesOn(what: string): Promise<void> {
    const seen = this.answered;
    await Promise.race([until(() => this.answered > seen + 5, what), this.#running]);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.#app.predict('Identity', [floats('x', [this.answered])], { timeoutMs: 5000 });
      this.answered += 1;
    }
  }
}

async function mapsOf(pid: number): Promise<string[]> {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8');
  return [...new Set(maps.split('\n').flatMap((line) => /\/.*(?:\.node|\.so\.1)$/.exec(line) ?? []))];
}

async function nativesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => NATIVE.test(name)).map((name) => join(folder, name));
}

describe('native files of the agent', function () {
  this.timeout(180_000);

  it('are not the artifacts: a deployment that copies over those, as nucleus lite does, kills nothing', async () => {
    await using bench = await AgentBench.create({ ownArtifacts: true });
    await bench.start();
    const folder = await writeTestPackage(bench.root, identityPackage());
    assert.equal((await bench.register(folder, MODEL_COMPONENT)).code, 0);
    const app = await bench.app();
    const former = await app.stats({ timeoutMs: 10_000 });
    const control = await bench.controlPid();
    const natives = await nativesIn(bench.programs);
    assert.ok(natives.length >= 3);
    const stream = new Stream(app);
    for (let deployment = 0; deployment < DEPLOYMENTS; deployment++) {
      // What cp does first to a file that is there.
      for (const native of natives) await truncate(native, 0);
      await stream.goesOn('predictions are answered while the files are empty');
      execFileSync('cp', ['-RP', `${join(await shippedComponents(), AGENT)}/.`, bench.programs]);
    }
    await stream.stop();
    assert.equal(await bench.controlPid(), control);
    const { controlStarts, hostRestarts } = await app.stats({ timeoutMs: 10_000 });
    assert.deepEqual(
      { controlStarts, hostRestarts },
      { controlStarts: former.controlStarts, hostRestarts: former.hostRestarts },
    );
    // A model's startup step meets the same.
    assert.equal((await bench.register(folder, MODEL_COMPONENT)).code, 0);
  });

  it('are copied once, for this user alone, and every process maps the copy', async () => {
    await using bench = await AgentBench.create();
    await bench.start();
    const native = join(bench.workFolder, 'native');
    const sets = await readdir(native);
    assert.equal(sets.length, 2, String(sets));
    assert.equal((await stat(native)).mode & 0o777, 0o700);
    const copies = (await Promise.all(sets.map((set) => nativesIn(join(native, set))))).flat().sort();
    const inodes = async (): Promise<number[]> =>
      await Promise.all(copies.map(async (path) => (await stat(path)).ino));
    const first = await inodes();
    const folder = await writeTestPackage(bench.root, identityPackage());
    assert.equal((await bench.register(folder, MODEL_COMPONENT)).code, 0);
    const control = await bench.controlPid();
    const hosts = await readFile(`/proc/${control}/task/${control}/children`, 'utf8');
    const processes = [control, ...hosts.split(' ').filter(Boolean).map(Number)];
    const mapped = (await Promise.all(processes.map(mapsOf))).flat();
    assert.ok(mapped.some((path) => path.startsWith(native)));
    assert.ok(!mapped.some((path) => path.startsWith(bench.programs)), String(mapped));
    await bench.stop();
    await chmod(native, 0o777);
    bench.log = '';
    await bench.start();
    assert.deepEqual(await inodes(), first);
    assert.equal((await stat(native)).mode & 0o777, 0o700);
  });

  it('go when no process has them mapped, and others’ stay', async () => {
    await using bench = await AgentBench.create();
    const native = join(bench.workFolder, 'native');
    const long = new Date(Date.now() - 2 * 3_600_000);
    const age = async (name: string): Promise<void> => {
      await mkdir(join(native, name), { recursive: true });
      await writeFile(join(native, name, 'koffi.node'), 'old');
      await utimes(join(native, name), long, long);
    };
    await age('koffi-unused');
    await age('draft-of-a-killed-process');
    await bench.start();
    assert.equal((await readdir(native)).length, 2);
    await bench.stop();
    bench.log = '';
    // A process that is left of an older version has its set mapped.
    const kept = (await readdir(native)).find((name) => name.startsWith('koffi-')) ?? '';
    await age('koffi-mapped');
    const mapped = join(native, 'koffi-mapped', 'koffi.node');
    execFileSync('cp', ['--remove-destination', join(native, kept, 'koffi.node'), mapped]);
    await utimes(join(native, 'koffi-mapped'), long, long);
    const { spawn } = await import('node:child_process');
    const holder = spawn(process.execPath, [
      '-e',
      `require(${JSON.stringify(mapped)}); setInterval(() => 0, 1000)`,
    ]);
    try {
      await until(async () => (await mapsOf(holder.pid ?? 0)).includes(mapped), 'it is mapped');
      await bench.start();
      assert.ok((await readdir(native)).includes('koffi-mapped'));
      await bench.stop();
    } finally {
      holder.kill('SIGKILL');
    }
    await until(async () => {
      bench.log = '';
      await bench.start();
      await bench.stop();
      return !(await readdir(native)).includes('koffi-mapped');
    }, 'it goes with its last user');
  });

  it('that are not those of the build are refused, and those that are there already serve on', async () => {
    await using bench = await AgentBench.create({ ownArtifacts: true });
    const [koffi = ''] = (await nativesIn(bench.programs)).filter((path) => path.includes('koffi'));
    const good = await readFile(koffi);
    await writeFile(koffi, Buffer.concat([good.subarray(0, 1000), Buffer.alloc(good.byteLength - 1000)]));
    bench.spawn('main');
    await until(
      () => bench.log.includes('as it is not the file that was built with this program'),
      'it is told',
    );
    await writeFile(koffi, good);
    await until(() => bench.log.includes('"Agent connected"'), 'it starts when the file is whole');
  });
});
