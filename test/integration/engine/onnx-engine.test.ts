import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOnnxEngine, type Engine } from '../../../src/engine/mod.js';
import { engineContract } from '../../lib/engine-contract.js';
import { identityModel, node, onnxModel, sumModel } from '../../lib/onnx-builder.js';
import { straceAbsence } from '../../lib/strace.js';
import { floats, floatsOf, tensorOf } from '../../lib/tensors.js';

engineContract('ONNX Runtime as an engine', {
  engine: createOnnxEngine,
  identity: identityModel,
  sum: sumModel,
});

describe('ONNX Runtime with real models', () => {
  let engine: Engine;
  let folder: string;
  before(async () => {
    engine = await createOnnxEngine();
    folder = await mkdtemp(join(tmpdir(), 'edge-engine-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('says its version', () => {
    assert.match(engine.version, /^\d+\.\d+\.\d+$/);
  });

  it('runs Silero VAD, compiled or not, with the same result', async () => {
    const model = await readFile('node_modules/@ricky0123/vad-web/dist/silero_vad_v5.onnx');
    const optimizedModelFile = join(folder, 'silero.onnx');
    const inputs = [
      floats(
        'input',
        Array.from({ length: 576 }, (_, index) => Math.sin(index / 9)),
        [1, 576],
      ),
      floats(
        'state',
        Array.from({ length: 256 }, () => 0),
        [2, 1, 128],
      ),
      tensorOf('sr', 'INT64', [], BigInt64Array.of(16000n)),
    ];
    const plain = await engine.load(model, { optimizedModelFile });
    const [probability, state] = await plain.run(inputs);
    assert.deepEqual(state?.shape, [2, 1, 128]);
    const [value] = floatsOf(probability);
    assert.ok(value !== undefined && value >= 0 && value <= 1, `${value}`);
    const compiled = await engine.load(await readFile(optimizedModelFile), { graphOptimization: 'disabled' });
    assert.deepEqual(floatsOf((await compiled.run(inputs))[0]), [value]);
    await Promise.all([plain.close(), compiled.close()]);
  });

  it('reads ONNX only, whatever the bytes look like, and its own format only where that is said', async () => {
    const optimizedModelFile = join(folder, 'identity.ort');
    const plain = await engine.load(identityModel('FP32', [1]), { optimizedModelFile });
    await plain.close();
    const bytes = await readFile(optimizedModelFile);
    assert.equal(bytes.subarray(4, 8).toString(), 'ORTM');
    await assert.rejects(engine.load(bytes), /Cannot load the model/);
    const session = await engine.load(bytes, { format: 'ORT' });
    assert.deepEqual(floatsOf((await session.run([floats('x', [3])]))[0]), [3]);
    await session.close();
    await assert.rejects(engine.load(identityModel('FP32', [1]), { format: 'ORT' }), /Cannot load the model/);
  });

  it('contacts nobody and leaves nothing in HOME, also where CI is not set', function () {
    const absence = straceAbsence();
    if (absence !== undefined) {
      console.log(`    skipped: ${absence}`);
      this.skip();
    }
    const trace = join(folder, 'trace');
    const script = `
      import { createOnnxEngine } from ${JSON.stringify(new URL('../../../src/engine/mod.js', import.meta.url).href)};
      const session = await (await createOnnxEngine()).load(Buffer.from('${Buffer.from(identityModel('FP32', [1])).toString('hex')}', 'hex'));
      await session.close();
      await new Promise((resolve) => setTimeout(resolve, 300));`;
    execFileSync(
      'strace',
      [
        '-f',
        '-qq',
        '-e',
        'trace=connect,sendto,execve,openat,mkdir',
        '-o',
        trace,
        process.execPath,
        '--input-type=module',
        '-e',
        script,
      ],
      { env: { PATH: process.env['PATH'] ?? '', HOME: folder } },
    );
    const calls = readFileSync(trace, 'utf8').split('\n');
    assert.deepEqual(
      calls.filter((call) => /connect\(|sendto\(/.test(call)),
      [],
    );
    assert.equal(calls.filter((call) => call.includes('execve(')).length, 1);
    const written = calls.filter((call) => /O_CREAT|mkdir\(/.test(call));
    assert.deepEqual(written, []);
  });

  it('lets NaN and infinities pass', async () => {
    const session = await engine.load(identityModel('FP32', [3]));
    const [output] = await session.run([floats('x', [NaN, Infinity, -Infinity])]);
    assert.deepEqual(floatsOf(output), [NaN, Infinity, -Infinity]);
    await session.close();
  });

  it('takes inputs whatever their name', async () => {
    const value = { datatype: 'FP32', shape: [1] } as const;
    for (const name of ['__proto__', 'größe 温度', 'a\\b"c']) {
      const model = onnxModel({
        inputs: [{ name, ...value }],
        outputs: [{ name: 'y', ...value }],
        nodes: [node('Identity', [name], ['y'])],
      });
      const session = await engine.load(model);
      assert.deepEqual(floatsOf((await session.run([floats(name, [7])]))[0]), [7]);
      await session.close();
    }
  });

  it('takes any rank where the model leaves it open', async () => {
    const model = onnxModel({
      inputs: [{ name: 'x', datatype: 'FP32' }],
      outputs: [{ name: 'y', datatype: 'FP32' }],
      nodes: [node('Identity', ['x'], ['y'])],
    });
    const session = await engine.load(model);
    assert.deepEqual((await session.run([floats('x', [1, 2], [2, 1])]))[0]?.shape, [2, 1]);
    await session.close();
  });

  it('takes names that are no UTF-8 as their metadata shows them', async () => {
    const value = { datatype: 'FP32', shape: [1] } as const;
    const model = Buffer.from(
      onnxModel({
        inputs: [{ name: 'QQQQ', ...value }],
        outputs: [{ name: 'y', ...value }],
        nodes: [node('Identity', ['QQQQ'], ['y'])],
      }),
    );
    const raw = Buffer.from('QQQQ');
    for (let at = model.indexOf(raw); at >= 0; at = model.indexOf(raw))
      model.set([0xff, 0x51, 0xc3, 0x51], at);
    const session = await engine.load(model);
    const name = session.inputs[0]?.name ?? '';
    assert.equal(name, '\uFFFDQ\uFFFDQ');
    assert.deepEqual(floatsOf((await session.run([floats(name, [7])]))[0]), [7]);
    await session.close();
  });
});
