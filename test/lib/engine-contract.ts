import assert from 'node:assert/strict';
import { DATATYPES, ELEMENT_BYTES, type Datatype, type Tensor } from '../../src/contract/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import type { Engine, EngineSession } from '../../src/engine/mod.js';
import { floats, floatsOf, strings, tensorOf } from './tensors.js';

/** What an engine under test brings along: itself, and the bytes of the suite's two models in its own format. */
export interface EngineFixture {
  engine(): Promise<Engine>;
  identity(datatype: Datatype, shape: readonly (number | string)[]): Uint8Array;
  /** sum and difference of `a` and `b`, FP32 [n]. */
  sum(): Uint8Array;
}

/** One suite for every engine: what holds for the port holds for ONNX Runtime and for its twin. */
export function engineContract(title: string, fixture: EngineFixture): void {
  describe(title, () => {
    let session: EngineSession | undefined;
    const load = async (model: Uint8Array): Promise<EngineSession> => {
      session = await (await fixture.engine()).load(model);
      return session;
    };
    afterEach(async () => {
      await session?.close();
      session = undefined;
    });
    valuesPass(load, fixture);
    badInputsAreRefused(load, fixture);
    lifetime(load, fixture);
  });
}

type Load = (model: Uint8Array) => Promise<EngineSession>;

function valuesPass(load: Load, fixture: EngineFixture): void {
  for (const datatype of DATATYPES) {
    it(`gives back ${datatype} bit by bit`, async () => {
      const session = await load(fixture.identity(datatype, [3]));
      assert.deepEqual(session.inputs, [{ name: 'x', datatype, shape: [3] }]);
      const input = sample(datatype);
      const [output] = await session.run([input]);
      assert.deepEqual(output, { ...input, name: 'y', data: new Uint8Array(output?.data ?? []) });
      assert.deepEqual([...(output?.data ?? [])], [...input.data]);
    });
  }
  it('takes scalars', async () => {
    const session = await load(fixture.identity('FP32', []));
    const [output] = await session.run([floats('x', [4.5], [])]);
    assert.deepEqual(output?.shape, []);
    assert.deepEqual(floatsOf(output), [4.5]);
  });
  it('takes dimensions of size zero', async () => {
    const session = await load(fixture.identity('FP32', ['n', 4]));
    const [output] = await session.run([floats('x', [], [0, 4])]);
    assert.deepEqual(output?.shape, [0, 4]);
    assert.equal(output?.data.byteLength, 0);
  });
  it('gives the names of open dimensions and -1 for those without', async () => {
    const session = await load(fixture.identity('FP32', ['batch', -1, 4]));
    assert.deepEqual(session.inputs[0]?.shape, ['batch', -1, 4]);
  });
  it('reads tensors at odd offsets and in shared memory', async () => {
    const session = await load(fixture.identity('FP32', [2]));
    const bytes = new Uint8Array(Float32Array.from([1.5, -2]).buffer);
    const odd = new Uint8Array(9);
    odd.set(bytes, 1);
    const shared = new Uint8Array(new SharedArrayBuffer(8));
    shared.set(bytes);
    for (const data of [odd.subarray(1), shared]) {
      const [output] = await session.run([{ name: 'x', datatype: 'FP32', shape: [2], data }]);
      assert.deepEqual(floatsOf(output), [1.5, -2]);
    }
  });
  it('gives the outputs that are asked for, in that order', async () => {
    const session = await load(fixture.sum());
    const inputs = [floats('b', [1, 2]), floats('a', [10, 20])];
    const all = await session.run(inputs);
    assert.deepEqual(
      all.map(({ name }) => name),
      ['sum', 'difference'],
    );
    const swapped = await session.run(inputs, ['difference', 'sum']);
    assert.deepEqual(swapped.map(floatsOf), [
      [9, 18],
      [11, 22],
    ]);
    assert.deepEqual(await session.run(inputs, []), []);
  });
}

function badInputsAreRefused(load: Load, fixture: EngineFixture): void {
  const a = floats('a', [1]);
  const b = floats('b', [1]);
  const cases: readonly [string, readonly Tensor[], string][] = [
    ['an unknown input', [a, b, floats('c', [1])], 'inputs[2].name'],
    ['a missing input', [a], 'inputs'],
    ['an input given twice', [a, b, a], 'inputs[2].name'],
    ['another datatype', [a, tensorOf('b', 'FP64', [1], Float64Array.of(1))], 'inputs[1].datatype'],
    ['another rank', [a, floats('b', [1], [1, 1])], 'inputs[1].shape'],
    ['fewer bytes than the shape says', [a, { ...b, shape: [2] }], 'inputs[1]'],
    ['more bytes than the shape says', [a, floats('b', [1, 2], [1])], 'inputs[1]'],
    ['a negative dimension', [a, { ...b, shape: [-1] }], 'inputs[1].shape[0]'],
    ['a dimension of 2^62', [a, { ...b, shape: [2 ** 62] }], 'inputs[1].shape[0]'],
  ];
  for (const [what, inputs, field] of cases) {
    it(`refuses ${what}`, async () => {
      const session = await load(fixture.sum());
      await assert.rejects(
        session.run(inputs),
        (error) => error instanceof EdgeError && error.code === 'INVALID_ARGUMENT' && error.field === field,
      );
      assert.deepEqual((await session.run([a, b])).map(floatsOf), [[2], [0]]);
    });
  }
  it('refuses a fixed dimension of another size', async () => {
    const session = await load(fixture.identity('FP32', [3]));
    await assert.rejects(session.run([floats('x', [1, 2])]), { field: 'inputs[0].shape' });
  });
  it('refuses an unknown output', async () => {
    const session = await load(fixture.sum());
    await assert.rejects(session.run([a, b], ['product']), { code: 'INVALID_ARGUMENT', field: 'outputs[0]' });
  });
  it('refuses strings with a NUL, bytes that are no UTF-8, and elements that do not fit', async () => {
    const session = await load(fixture.identity('BYTES', [1]));
    const wrong = [
      strings('x', ['a\0b']),
      { ...strings('x', ['a']), data: Uint8Array.of(1, 0, 0, 0, 0xff) },
      { ...strings('x', ['a']), data: Uint8Array.of(9, 0, 0, 0, 65) },
      { ...strings('x', ['a']), data: Uint8Array.of(0, 0, 0, 0, 65) },
      { ...strings('x', ['a']), data: Uint8Array.of(0, 0) },
    ];
    for (const tensor of wrong) {
      await assert.rejects(session.run([tensor]), { code: 'INVALID_ARGUMENT', field: 'inputs[0]' });
    }
  });
  it('refuses bools other than 0 and 1', async () => {
    const session = await load(fixture.identity('BOOL', [1]));
    await assert.rejects(session.run([tensorOf('x', 'BOOL', [1], Uint8Array.of(2))]), { field: 'inputs[0]' });
  });
}

function lifetime(load: Load, fixture: EngineFixture): void {
  it('refuses bytes that are no model, with the reason', async () => {
    await assert.rejects(load(Uint8Array.of(1, 2, 3)), {
      code: 'FAILED_PRECONDITION',
      message: /Cannot load the model: ./,
    });
  });
  it('finishes running requests before it closes, and refuses later ones', async () => {
    const session = await load(fixture.identity('FP32', [1]));
    const runs = [1, 2, 3].map(async (value) => floatsOf((await session.run([floats('x', [value])]))[0]));
    const closed = session.close();
    assert.deepEqual(await Promise.all(runs), [[1], [2], [3]]);
    await closed;
    await session.close();
    await assert.rejects(session.run([floats('x', [1])]), { code: 'UNAVAILABLE' });
  });
}

/** Three elements with extreme bits. */
function sample(datatype: Datatype): Tensor {
  if (datatype === 'BYTES') return strings('x', ['', 'naïve ☃', 'x'.repeat(300)]);
  const bytes = new Uint8Array(3 * ELEMENT_BYTES[datatype]);
  if (datatype === 'BOOL') bytes.set([1, 0, 1]);
  else bytes.forEach((_, index) => (bytes[index] = (index * 37 + 255) & 0xff));
  // 2^53 + 1 is where doubles lose integers.
  if (datatype === 'INT64') bytes.set(new Uint8Array(BigInt64Array.of(9007199254740993n).buffer));
  return { name: 'x', datatype, shape: [3], data: bytes };
}
