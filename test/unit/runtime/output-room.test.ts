import { strict as assert } from 'node:assert';
import type { TensorMetadata } from '../../../src/contract/mod.js';
import type { RunRequest } from '../../../src/runtime/host/port/mod.js';
import { checkOutputRoom } from '../../../src/runtime/host/child/run-tensors.js';

const REFUSED = { code: 'INVALID_ARGUMENT', reason: 'OUTPUT_ROOM_TOO_SMALL', field: 'outputFile' };
const outputs: TensorMetadata[] = [
  { name: 'mask', datatype: 'FP32', shape: [1, 64, 64] },
  { name: 'score', datatype: 'FP32', shape: [1] },
];

function requestOf(more: Partial<RunRequest> = {}): RunRequest {
  return { inputs: [], capture: { mode: 'never', captureId: 'a', clockSynchronised: true }, ...more };
}

describe('a request without room for outputs in a file', () => {
  it('is refused before the run where the model’s shapes say that they will not fit', () => {
    assert.throws(() => checkOutputRoom(outputs, requestOf()), REFUSED);
    assert.throws(() => checkOutputRoom(outputs, requestOf({ outputs: ['mask'] })), REFUSED);
  });

  it('runs where what it asks for fits, or may fit', () => {
    checkOutputRoom(outputs, requestOf({ outputs: ['score'] }));
    for (const shape of [[-1, 64, 64], ['batch', 64, 64], []]) {
      checkOutputRoom([{ name: 'mask', datatype: 'FP32', shape }], requestOf());
    }
    checkOutputRoom([{ name: 'text', datatype: 'BYTES', shape: [100_000] }], requestOf());
  });

  it('is one of which the offered room is looked at only once the outputs are there', () => {
    checkOutputRoom(outputs, requestOf({ outputFile: { name: 'f', offset: 0, byteSize: 1 } }));
  });
});
