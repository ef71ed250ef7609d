import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Datatype } from '../../src/contract/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';
import { decodeStrings, elementsOf } from '../../src/tensor/mod.js';
import { readGivenTensor } from '../../deploy/samples/mod.js';
import { pythonAbsence, PythonHost } from '../lib/python-host.js';

describe('Samples that Python has written', () => {
  let folder = '';
  let python: PythonHost | undefined;
  before(async function () {
    const absence = pythonAbsence('numpy', 'PIL');
    if (absence !== undefined) {
      console.log(`    skipped: ${absence}`);
      this.skip();
    }
    folder = await mkdtemp(join(tmpdir(), 'edge-python-samples-'));
    python = new PythonHost({});
    await python.run(`import numpy, PIL.Image, os; os.chdir(${JSON.stringify(folder)})`);
  });
  after(async () => {
    await python?.[Symbol.asyncDispose]();
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  });

  const read = async (given: unknown, datatype: Datatype, shape: TensorSpec['shape']): Promise<unknown[]> => {
    const spec = { name: 'x', datatype, shape };
    const tensor = await readGivenTensor(given, spec, 'x', (path) => join(folder, path));
    if (datatype !== 'BYTES') return Array.from(elementsOf(tensor), Number);
    return decodeStrings(
      tensor.data,
      tensor.shape.reduce((product, size) => product * size, 1),
      'x',
    );
  };
  const ask = async (statements: string): Promise<unknown> => await python?.run(statements);

  for (const [datatype, code] of [
    ['BOOL', '?'],
    ['UINT8', 'u1'],
    ['INT16', 'i2'],
    ['INT64', 'i8'],
    ['FP16', 'f2'],
    ['FP32', 'f4'],
    ['FP64', 'f8'],
  ] as const) {
    it(`are read as NumPy has them: ${datatype}`, async () => {
      const wanted = await ask(
        `x = (numpy.arange(6).reshape(2, 3) * 0.7).astype('${code}'); numpy.save('x.npy', x); result = x.astype('f8').ravel().tolist()`,
      );
      assert.deepEqual(await read({ npy: 'x.npy' }, datatype, ['n', 3]), wanted);
    });
  }

  it('are read as NumPy has them: texts', async () => {
    await ask(
      `numpy.save('x.npy', numpy.array(['é', 'pump 😀'])); numpy.save('y.npy', numpy.array([b'on', b'off']))`,
    );
    assert.deepEqual(await read({ npy: 'x.npy' }, 'BYTES', ['n']), ['é', 'pump 😀']);
    assert.deepEqual(await read({ npy: 'y.npy' }, 'BYTES', ['n']), ['on', 'off']);
  });

  it('say how to save objects and other byte orders', async () => {
    await ask(
      `numpy.save('x.npy', numpy.array(['a', None], dtype=object)); numpy.save('y.npy', numpy.array([1], dtype='>f4'))`,
    );
    await assert.rejects(read({ npy: 'x.npy' }, 'BYTES', ['n']), /current value is \|O/);
    await assert.rejects(read({ npy: 'y.npy' }, 'FP32', ['n']), /current value is >f4/);
  });

  const PICTURE = `numpy.random.default_rng(1).integers(0, 256, (19, 23, 3)).astype('u1')`;
  for (const [mode, options] of [
    ['RGB', ''],
    ['RGBA', ''],
    ['L', ''],
    ['LA', ''],
    ['P', ''],
    ['1', ''],
  ] as const) {
    it(`have the pixels that Pillow gives: PNG of mode ${mode}`, async () => {
      const wanted = await ask(
        `i = PIL.Image.fromarray(${PICTURE}).convert('${mode}'); i.save('x.png'${options}); result = numpy.asarray(i.convert('RGB')).ravel().tolist()`,
      );
      assert.deepEqual(await read({ image: 'x.png' }, 'UINT8', ['h', 'w', 3]), wanted);
    });
  }

  it('have the grey that Pillow gives, to one level', async () => {
    const wanted = (await ask(
      `i = PIL.Image.fromarray(${PICTURE}); i.save('x.png'); result = numpy.asarray(i.convert('L')).ravel().tolist()`,
    )) as number[];
    const grey = (await read({ image: 'x.png' }, 'UINT8', ['h', 'w', 1])) as number[];
    assert.ok(grey.every((value, index) => Math.abs(value - (wanted[index] ?? NaN)) <= 1));
  });

  it('have nearly the pixels that Pillow gives: JPEG decoders round differently', async () => {
    const wanted = (await ask(
      `y, x = numpy.mgrid[0:64, 0:48]; i = PIL.Image.fromarray(numpy.stack([x * 5, y * 4, x + y], -1).astype('u1')); i.save('x.jpg', quality=90, subsampling=0); result = numpy.asarray(PIL.Image.open('x.jpg')).ravel().tolist()`,
    )) as number[];
    const got = (await read({ image: 'x.jpg' }, 'UINT8', ['h', 'w', 3])) as number[];
    assert.equal(got.length, wanted.length);
    assert.ok(Math.max(...got.map((value, index) => Math.abs(value - (wanted[index] ?? NaN)))) <= 3);
  });
});
