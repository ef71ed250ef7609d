import { strict as assert } from 'node:assert';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TensorMetadata } from '../../../src/contract/mod.js';
import type { FileTensor } from '../../../src/runtime/host/port/mod.js';
import { readInputs } from '../../../src/runtime/host/child/run-tensors.js';

const GIB = 1024 ** 3;
const fixed: TensorMetadata = { name: 'x', datatype: 'FP32', shape: [1, 2] };
const open: TensorMetadata = { name: 'x', datatype: 'UINT8', shape: [-1] };
const whole = (
  name: string,
  datatype: FileTensor['datatype'],
  shape: number[],
  byteSize = GIB,
): FileTensor => ({
  name,
  datatype,
  shape,
  file: { name: 'sparse', offset: 0, byteSize },
});

describe("a request's inputs by file", () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-inputs-'));
    await writeFile(join(folder, 'sparse'), '');
    await truncate(join(folder, 'sparse'), 2 * GIB);
  });
  after(async () => await rm(folder, { recursive: true, force: true }));

  const read = (wanted: readonly TensorMetadata[], inputs: readonly FileTensor[]) =>
    readInputs(
      {
        inputs: [...inputs],
        exchangeFolder: folder,
        capture: { mode: 'never', captureId: 'c', clockSynchronised: true },
      },
      wanted,
    );

  const cases: readonly (readonly [string, TensorMetadata[], FileTensor[], string])[] = [
    ['another name', [fixed], [whole('z', 'UINT8', [GIB])], 'inputs[0].name'],
    ['another type', [fixed], [whole('x', 'UINT8', [GIB])], 'inputs[0].datatype'],
    ['another shape', [fixed], [whole('x', 'FP32', [1, GIB / 4])], 'inputs[0].shape'],
    ['another rank', [open], [whole('x', 'UINT8', [1, GIB])], 'inputs[0].shape'],
    ['a name twice', [open], [whole('x', 'UINT8', [GIB]), whole('x', 'UINT8', [GIB])], 'inputs[1].name'],
    ['one of two', [open, { ...open, name: 'y' }], [whole('x', 'UINT8', [GIB])], 'inputs'],
    ['more bytes than the shape', [fixed], [whole('x', 'FP32', [1, 2])], 'inputs[0].file.byteSize'],
    [
      'more bytes together than one request may have',
      [open, { ...open, name: 'y' }],
      [whole('x', 'UINT8', [GIB]), whole('y', 'UINT8', [GIB])],
      'inputs',
    ],
    [
      'strings of more bytes than a request may have',
      [{ ...open, datatype: 'BYTES' }],
      [whole('x', 'BYTES', [1], 2 * GIB)],
      'inputs',
    ],
  ];
  for (const [what, wanted, inputs, field] of cases) {
    it(`are refused before a byte of them is read: ${what}`, () => {
      const beforeBytes = process.memoryUsage().arrayBuffers;
      assert.throws(() => read(wanted, inputs), { code: 'INVALID_ARGUMENT', field });
      assert.ok(process.memoryUsage().arrayBuffers - beforeBytes < 1024 ** 2);
    });
  }

  it('are read where they are what the model takes', () => {
    const [tensor] = read([fixed], [whole('x', 'FP32', [1, 2], 8)]);
    assert.deepEqual(tensor?.data, Buffer.alloc(8));
  });
});
