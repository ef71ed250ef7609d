import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { silentLogger, type Logger } from '../../../src/core/mod.js';
import type { HostedModel, LoadSpec } from '../../../src/runtime/host/port/mod.js';
import { landlockAbsence } from '../../lib/landlock.js';
import { HostBench, hostPids, hostScripts, outputFloats, runRequest } from '../../lib/model-hosts.js';
import { identityPackage, logPackage } from '../../lib/test-models.js';
import { floats } from '../../lib/tensors.js';
import { until } from '../../lib/until.js';

/** A model with its compiled graph, in a host of its own; and the process that waits beside it. */
async function besideSpare(bench: HostBench): Promise<{ spec: LoadSpec; model: HostedModel; spare: number }> {
  const spec = await compiled(bench);
  const model = await bench.hosts.load(spec);
  const own = await hostPids();
  await until(async () => (await hostPids()).length > own.length, 'a spare host is there');
  const [spare = 0] = (await hostPids()).filter((pid) => !own.includes(pid));
  return { spec, model, spare };
}

/** As the registry knows a package that was loaded before. */
async function compiled(bench: HostBench, given = identityPackage()): Promise<LoadSpec> {
  const spec = { ...(await bench.package(given)), runSamples: false };
  const cached = { ...spec, compiledCacheFolder: join(bench.folder, 'cache', given.name) };
  const model = await bench.hosts.load(cached);
  const { compiledDigest } = model.report;
  await model.unload();
  assert.ok(compiledDigest !== undefined);
  return { ...cached, compiledDigest };
}

async function kill(model: HostedModel, pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await model.gone;
}

async function ask(model: HostedModel): Promise<number[]> {
  const { outputs } = await model.run(runRequest([floats('x', [3])]), 20_000);
  return outputFloats(outputs[0]);
}

const rooms = async (bench: HostBench): Promise<string[]> =>
  (await readdir(join(bench.folder, 'empty'))).filter((name) => name.startsWith('spare-'));

describe('a spare host', () => {
  it('takes the place of one that was killed, from its compiled graph, as confined as that; another one follows', async () => {
    await using bench = await HostBench.create({ spareHost: true });
    const { spec, model, spare } = await besideSpare(bench);
    const [own = 0] = (await hostPids()).filter((pid) => pid !== spare);
    await kill(model, own);
    const again = await bench.hosts.load(spec);
    assert.deepEqual(await hostPids(), [spare]);
    assert.deepEqual(await ask(again), [3]);
    assert.equal(again.report.cacheHit, true);
    assert.deepEqual(again.report.confinement, model.report.confinement);
    assert.equal(bench.hosts.restarts, 1);
    await until(async () => (await hostPids()).length === 2, 'another one is there');
    assert.equal((await rooms(bench)).length, 1, 'copies are gone once they are loaded');
  });

  it('leaves models that have no compiled graph to hosts of their own, says what it holds, and ends with the others', async () => {
    await using plain = await HostBench.create();
    await using shared = await HostBench.create({ spareHost: true, isolation: 'shared' });
    for (const other of [plain, shared]) await other.hosts.load(await compiled(other));
    await using bench = await HostBench.create({ spareHost: true });
    const { spare } = await besideSpare(bench);
    const before = await hostPids();
    await bench.hosts.load({ ...(await bench.package(logPackage())), runSamples: false });
    const after = await hostPids();
    assert.equal(after.length, before.length + 1);
    assert.ok(after.includes(spare));
    await until(() => bench.hosts.spareBytes !== undefined, 'it was measured');
    assert.ok((bench.hosts.spareBytes ?? 0) > 5e6);
    // There was time enough for them to have begun one.
    assert.deepEqual([await rooms(plain), await rooms(shared)], [[], []]);
    await bench.hosts.close();
    await until(async () => (await rooms(bench)).length === 0, 'no room is left');
    assert.ok(!(await hostPids()).includes(spare));
  });

  it('that dies costs no model anything', async () => {
    await using bench = await HostBench.create({ spareHost: true });
    const { spec, model, spare } = await besideSpare(bench);
    process.kill(spare, 'SIGKILL');
    await until(async () => (await rooms(bench)).length === 0, 'its room is gone');
    assert.equal(bench.hosts.restarts, 0);
    assert.deepEqual(await ask(model), [3]);
    await kill(model, (await hostPids())[0] ?? 0);
    assert.deepEqual(await ask(await bench.hosts.load(spec)), [3]);
  });

  it('that dies over a load leaves the verdict on the model to a new host', async () => {
    await using bench = await HostBench.create({ spareHost: true });
    const { spec, model, spare } = await besideSpare(bench);
    const [own = 0] = (await hostPids()).filter((pid) => pid !== spare);
    process.kill(spare, 'SIGSTOP');
    await kill(model, own);
    const loading = bench.hosts.load(spec);
    await until(
      async () => (await readdir(join(bench.folder, 'empty', (await rooms(bench))[0] ?? ''))).length > 0,
      'it has the model',
    );
    process.kill(spare, 'SIGKILL');
    assert.deepEqual(await ask(await loading), [3]);
  });

  it('can read nothing of any model before it has one', async function () {
    const absence = await landlockAbsence();
    if (absence !== undefined) {
      console.log(`    skipped: ${absence}`);
      this.skip();
    }
    const said: string[] = [];
    const hear = (_message: string, fields?: Record<string, unknown>): void =>
      void said.push(String(fields?.['line']));
    const logger: Logger = { ...silentLogger, with: () => logger, info: hear, warn: hear };
    const scripts = await hostScripts();
    await using bench = await HostBench.create({ spareHost: true });
    const { folder } = await bench.package(identityPackage());
    const entry = join(bench.folder, 'look', 'model-host.mjs');
    await using looking = await lookingHosts(bench, { entry, launcher: scripts.launcher }, logger, [
      join(folder, 'model.onnx'),
      dirname(folder),
      join(bench.folder, 'cache'),
    ]);
    const failing = looking.hosts.load(await looking.package(identityPackage()));
    await assert.rejects(failing);
    await until(() => said.some((line) => line.startsWith('spare')), 'the spare looked around');
    assert.equal(
      said.find((line) => line.startsWith('spare')),
      'spare EACCES EACCES EACCES',
    );
  });
});

/** Hosts whose program says which of these paths it may read, and ends where it is no spare one. */
async function lookingHosts(
  bench: HostBench,
  scripts: { entry: string; launcher: string },
  logger: Logger,
  paths: readonly string[],
): Promise<HostBench> {
  const { mkdir } = await import('node:fs/promises');
  await mkdir(dirname(scripts.entry));
  await mkdir(join(bench.folder, 'cache'), { recursive: true });
  await writeFile(
    scripts.entry,
    `import { readFileSync, readdirSync, statSync } from 'node:fs';
const look = (path) => {
  try { readFileSync(path); return 'read'; } catch (first) {
    if (first.code !== 'EISDIR') return first.code;
    try { readdirSync(path); return 'listed'; } catch (error) { return error.code; }
  }
};
const who = process.env.EDGE_MANAGER_SPARE === undefined ? 'usual' : 'spare';
console.log([who, ...${JSON.stringify(paths)}.map(look)].join(' '));
if (who === 'spare') setInterval(() => undefined, 1000);
`,
  );
  return await HostBench.create({ spareHost: true }, scripts, logger);
}
