import { strict as assert } from 'node:assert';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock, silentLogger, SerialQueues } from '../../../src/core/mod.js';
import { memoryFiles } from '../../../src/disk/mod.js';
import { ArtifactWatch } from '../../../src/runtime/agent/reconcile-artifacts.js';
import { EMPTY_REGISTRY, findModel, promote, Registry } from '../../../src/runtime/registry/mod.js';

const MINUTE_MS = 60_000;

/** A device with one deployed model, whose artifacts should lie at `source`. */
async function deployed(source: string, turns: Pick<SerialQueues, 'run'> = new SerialQueues()) {
  const clock = new ManualClock();
  const registry = await Registry.open({
    file: '/registry.json',
    files: memoryFiles(),
    logger: silentLogger,
    rebuild: async () => EMPTY_REGISTRY,
  });
  const serve = async (version: string): Promise<void> => {
    const record = { version, digest: version.replaceAll('.', '').padEnd(64, '0'), packageName: 'Vad' };
    const rest = { component: 'com.example.Vad', source, kept: true, admitted: true, tries: 0 };
    await registry.update((state) => promote(state, 'Vad', { ...record, ...rest }, { probation: false }));
  };
  await serve('1.0.0');
  const nothing = async (): Promise<void> => undefined;
  const watch = new ArtifactWatch({
    registry,
    configuration: { current: {} as never },
    clock,
    logger: silentLogger,
    manager: { reconcile: () => undefined, settled: nothing },
    packages: { sweep: nothing },
    turns,
  });
  const known = (): boolean => findModel(registry.state, 'Vad') !== undefined;
  const look = async (): Promise<void> => {
    await watch.check();
    await clock.advance(6 * MINUTE_MS);
    await watch.check();
  };
  return { known, look, serve };
}

describe('a deployed model', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-artifacts-'));
    await writeFile(join(folder, 'file'), '');
    await symlink('loop', join(folder, 'loop'));
  });
  after(async () => await rm(folder, { recursive: true, force: true }));

  for (const [what, path, stays] of [
    ['stays while its artifacts are there', '.', true],
    ['goes some minutes after its artifacts have gone', 'nothing', false],
    ['goes where a file has taken the place of a folder above them', 'file/artifacts', false],
    ['stays where nobody can tell whether they are there', 'loop', true],
    ['stays where their path cannot be looked up', 'x'.repeat(300), true],
  ] as const) {
    it(what, async () => {
      const { look, known } = await deployed(join(folder, path));
      await look();
      assert.equal(known(), stays);
    });
  }

  it('stays where another version is admitted before its withdrawal has its turn', async () => {
    const admit = async (): Promise<void> => await model.serve('2.0.0');
    const model = await deployed(join(folder, 'nothing'), {
      run: async (_key, act) => {
        await admit();
        return await act();
      },
    });
    await model.look();
    assert.ok(model.known());
  });
});
