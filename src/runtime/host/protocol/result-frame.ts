import { encodeFrame, type Frame } from '../../../framing/mod.js';
import type { RunResult } from '../port/mod.js';
import { FieldReader, FieldWriter, unreadable } from './fields.js';
import { KIND } from './kinds.js';
import { readTensors, writeTensors } from './tensors.js';

const NON_FINITE = 1;
const CAPTURED = ['no', 'yes', 'maybe'] as const;

export function encodeResult(id: number, { outputs, runMs, nonFinite, captured }: RunResult): Buffer {
  const fields = new FieldWriter().f64(runMs).u8(CAPTURED.indexOf(captured));
  const payload = writeTensors(fields, outputs);
  const flags = nonFinite ? NON_FINITE : 0;
  return encodeFrame({ kind: KIND.result, flags, id, metadata: fields.bytes, payload });
}

/** @throws EdgeError MESSAGE_UNREADABLE */
export function decodeResult({ flags, metadata, payload }: Frame): RunResult {
  const fields = new FieldReader(metadata);
  const runMs = fields.f64();
  if (!(runMs >= 0 && runMs < Infinity)) throw unreadable('its run time must be a duration', runMs);
  const captured = capturedOf(fields.u8());
  const outputs = readTensors(fields, payload);
  fields.end();
  return { outputs, runMs, nonFinite: (flags & NON_FINITE) !== 0, captured };
}

function capturedOf(code: number): RunResult['captured'] {
  const captured = CAPTURED[code];
  if (captured === undefined) throw unreadable("'captured' must be 0, 1 or 2", code);
  return captured;
}
