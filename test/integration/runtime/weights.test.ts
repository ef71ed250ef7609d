import assert from 'node:assert/strict';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createOnnxEngine, type Engine, type ModelSource } from '../../../src/engine/mod.js';
import { loadPackage } from '../../../src/runtime/host/child/load.js';
import type { LoadSpec } from '../../../src/runtime/host/port/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { HostBench, outputFloats, runRequest } from '../../lib/model-hosts.js';
import { floats } from '../../lib/tensors.js';
import { identityPackage, outsidePackage } from '../../lib/test-models.js';

const FILE = 'weights-1.bin';
const settings = { allowSpinning: false, clock: systemClock };
const request = runRequest([{ ...floats('x', [10, 20, 30]), shape: [3] }]);

describe('weights in files of their own', () => {
  let bench: HostBench;
  let spec: LoadSpec;
  beforeEach(async () => {
    bench = await HostBench.create();
    const folder = join(bench.folder, 'cache');
    spec = { ...(await bench.package(outsidePackage())), isCopy: true, compiledCacheFolder: folder };
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const tamper = async (file = FILE): Promise<void> => {
    const path = join(spec.folder, file);
    const bytes = await readFile(path);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(path, bytes);
  };
  const loadWith = (engine: Engine, byPathAboveBytes = Infinity): Promise<unknown> =>
    loadPackage(engine, spec, { ...settings, byPathAboveBytes });
  /** What happens between the check and the session. */
  const meddling = async (meddle: () => Promise<void>, given: ModelSource[] = []): Promise<Engine> => {
    const engine = await createOnnxEngine();
    return {
      version: engine.version,
      load: async (model, options) => {
        given.push(model);
        await meddle();
        return await engine.load(model, options);
      },
    };
  };
  const content = { code: 'FAILED_PRECONDITION', message: /weights-1\.bin is not acceptable/ };

  it('are mapped where they lie and serve, without a compiled graph that would hold them again', async () => {
    const model = await bench.hosts.load(spec);
    assert.equal(model.report.samplesRun, 1);
    assert.equal(model.report.compiledDigest, undefined);
    assert.deepEqual(outputFloats((await model.run(request, 5000)).outputs[0]), [11, 22, 33]);
  });

  it('are refused with a byte changed before the load', async () => {
    await tamper();
    await assert.rejects(bench.hosts.load(spec), content);
  });

  it('are refused where they change between the check and the session', async () => {
    await assert.rejects(loadWith(await meddling(() => tamper())), content);
  });

  it('are refused where another file takes their name between the check and the session', async () => {
    const path = join(spec.folder, FILE);
    const other = join(bench.folder, 'other');
    await writeFile(other, await readFile(path));
    const swap = (): Promise<void> => rename(other, path);
    await assert.rejects(loadWith(await meddling(swap)), content);
  });

  it('answer nothing any more where they change while they serve, and a new host looks at them anew', async () => {
    const model = await bench.hosts.load(spec);
    await tamper();
    await assert.rejects(model.run(request, 5000), content);
    assert.match((await model.gone).sentence, /was ended: .*it changed after it was checked/);
    await assert.rejects(bench.hosts.load(spec), content);
  });

  it('serve again after a change that is none of their bytes', async () => {
    const model = await bench.hosts.load(spec);
    await chmod(join(spec.folder, FILE), 0o640);
    await assert.rejects(model.run(request, 5000), content);
    await model.gone;
    const again = await bench.hosts.load(spec);
    assert.deepEqual(outputFloats((await again.run(request, 5000)).outputs[0]), [11, 22, 33]);
  });

  describe('a large model file', () => {
    beforeEach(async () => {
      spec = { ...(await bench.package(identityPackage())), isCopy: true };
    });

    it("is loaded by its path from the agent's copy, and from nowhere else", async () => {
      const given: ModelSource[] = [];
      const watched = await meddling(() => Promise.resolve(), given);
      await loadWith(watched, 0);
      spec = { ...spec, isCopy: false };
      await loadWith(watched, 0);
      assert.deepEqual(
        given.map((model) => (model instanceof Uint8Array ? 'bytes' : model.file)),
        [join(spec.folder, 'model.onnx'), 'bytes'],
      );
    });

    it('is refused where it changes between the check and the session', async () => {
      const path = join(spec.folder, 'model.onnx');
      const touch = async (): Promise<void> => await writeFile(path, await readFile(path));
      const refused = { message: /model\.onnx is not acceptable: it changed after it was checked/ };
      await assert.rejects(loadWith(await meddling(touch), 0), refused);
    });
  });
});
