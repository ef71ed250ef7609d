import assert from 'node:assert/strict';
import {
  createRedactor,
  parseCaptureConfig,
  type CaptureRecord,
  type RedactionConfig,
} from '../../../src/capture/mod.js';
import { finish } from '../../../src/core/mod.js';
import { EdgeError } from '../../../src/core/mod.js';

const image = Uint8Array.from({ length: 24 }, (_, index) => index);
const record: CaptureRecord = {
  captureId: 'c-1',
  model: 'Detector',
  modelVersion: '1.0.0',
  packageDigest: 'd',
  reasons: ['percentage'],
  priority: 'sample',
  inferenceTimeMs: 0,
  clockSynchronised: true,
  inputs: [
    { name: 'image', datatype: 'UINT8', shape: [2, 3, 4], data: image },
    { name: 'badge', datatype: 'UINT8', shape: [3], data: Uint8Array.of(1, 2, 3) },
  ],
  outputs: [{ name: 'scores', datatype: 'UINT8', shape: [2], data: Uint8Array.of(9, 8) }],
  auxiliaryInputs: [{ name: 'frame', encoding: 'NONE', contentType: 'jpg', data: Uint8Array.of(7) }],
};

function refused(config: unknown, pattern: RegExp): void {
  assert.throws(
    () => parseCaptureConfig(config),
    (error) => error instanceof EdgeError && pattern.test(error.message),
  );
}

function redactor(config: RedactionConfig): (record: CaptureRecord) => CaptureRecord {
  const redact = createRedactor(config);
  return (given) => finish(redact(given));
}

describe('capture redaction', () => {
  it('changes nothing where nothing is configured', () => {
    assert.deepEqual(redactor({})(record), record);
  });

  it('leaves inputs out, auxiliary ones too, and keeps outputs', () => {
    const redacted = redactor({ inputs: false })(record);
    assert.deepEqual(redacted.inputs, []);
    assert.deepEqual(redacted.auxiliaryInputs, []);
    assert.deepEqual(redacted.outputs, record.outputs);
  });

  it('drops by name and says so in the record', () => {
    const redacted = redactor({ redaction: [{ action: 'drop', name: 'badge' }] })(record);
    assert.deepEqual(
      redacted.inputs.map(({ name }) => name),
      ['image'],
    );
    assert.deepEqual(redacted.redactions, [{ name: 'badge', mode: 'input', action: 'drop' }]);
  });

  it('hashes with the salt: equal values stay equal, another salt tells nothing', () => {
    const rules = [{ action: 'hash', name: 'badge' } as const];
    const one = redactor({ redaction: rules, hashSalt: 'a secret of 16 bytes' })(record).inputs[1];
    const again = redactor({ redaction: rules, hashSalt: 'a secret of 16 bytes' })(record).inputs[1];
    const other = redactor({ redaction: rules, hashSalt: 'another secret of it' })(record).inputs[1];
    assert.deepEqual(one, again);
    assert.equal(one?.data.byteLength, 32);
    assert.deepEqual(one?.shape, [32]);
    assert.notDeepEqual(one?.data, other?.data);
  });

  it('crops a box out of a tensor', () => {
    const cropped = redactor({
      redaction: [{ action: 'crop', name: 'image', ranges: [null, [1, 3], [2, 99]] }],
    })(record).inputs[0];
    assert.deepEqual(cropped?.shape, [2, 2, 2]);
    assert.deepEqual([...(cropped?.data ?? [])], [6, 7, 10, 11, 18, 19, 22, 23]);
  });

  it('drops what a crop does not fit', () => {
    const redacted = redactor({
      redaction: [
        { action: 'crop', name: 'badge', ranges: [null, [0, 1]] },
        { action: 'crop', name: 'frame', ranges: [[0, 1]] },
      ],
    })(record);
    assert.deepEqual(
      redacted.inputs.map(({ name }) => name),
      ['image'],
    );
    assert.deepEqual(redacted.auxiliaryInputs, []);
    assert.deepEqual(
      redacted.redactions?.map(({ action }) => action),
      ['drop', 'drop'],
    );
  });

  it('minds the side of a rule', () => {
    const redacted = redactor({ redaction: [{ action: 'drop', name: 'image', side: 'output' }] })(record);
    assert.equal(redacted.inputs.length, 2);
  });

  it('refuses a hash without a salt, unknown keys and unknown actions', () => {
    refused({ redaction: [{ action: 'hash', name: 'badge' }] }, /'hashSalt' is missing/);
    refused(
      { redaction: [{ action: 'blur', name: 'badge' }] },
      /redaction\[0\]\.action' must be one of drop, hash, crop/,
    );
    refused({ redact: [] }, /'redact' is not a known key/);
  });
});
