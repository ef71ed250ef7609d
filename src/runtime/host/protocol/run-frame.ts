import { encodeFrame, type Frame } from '../../../framing/mod.js';
import { INLINE_MAX_BYTES, MAX_TENSORS } from '../../../contract/mod.js';
import type { HostTensor, RunRequest } from '../port/mod.js';
import { FieldReader, FieldWriter, unreadable } from './fields.js';
import { KIND } from './kinds.js';
import { readTensors, writeTensors } from './tensors.js';

/** One run, as it travels to a host. */
export interface RunOrder {
  readonly handle: number;
  /** CLOCK_MONOTONIC, the same in all processes of a machine, in microseconds; Infinity: none. */
  readonly deadlineUs: number;
  readonly request: RunRequest;
}

const FLAG = { blind: 1, clockSynchronised: 2, outputs: 4, outputFile: 8 } as const;
const MODES = ['policies', 'always', 'never'] as const;
/** For a host that leaves captures to the control process. */
const HAND_OVER = 3;

/** @throws EdgeError FIELD_INVALID where a text is longer than a frame can say */
export function encodeRun(id: number, { handle, deadlineUs, request }: RunOrder): Buffer {
  const { capture, outputs, outputFile } = request;
  const fields = new FieldWriter()
    .u32(handle)
    .u64(deadlineUs)
    .u8(request.handOver === true ? HAND_OVER : MODES.indexOf(capture.mode))
    .u32(request.maxInlineBytes ?? INLINE_MAX_BYTES)
    .string(request.caller ?? '')
    .string(capture.captureId)
    .string(request.exchangeFolder ?? '');
  if (outputs !== undefined) {
    fields.u16(outputs.length);
    for (const name of outputs) fields.string(name);
  }
  if (outputFile !== undefined)
    fields.string(outputFile.name).u64(outputFile.offset).u64(outputFile.byteSize);
  const payload = writeTensors(fields, request.inputs);
  return encodeFrame({ kind: KIND.run, flags: flagsOf(request), id, metadata: fields.bytes, payload });
}

/**
 * Inline bytes are copied: the frame's may be overwritten by the next one, and where bytes lie in a larger buffer
 * decides how ONNX Runtime's sums round.
 * @throws EdgeError MESSAGE_UNREADABLE
 */
export function decodeRun({ flags, metadata, payload }: Frame): RunOrder {
  const fields = new FieldReader(metadata);
  const handle = fields.u32();
  const deadlineUs = fields.u64();
  const mode = modeOf(fields.u8());
  const maxInlineBytes = fields.u32();
  const caller = fields.string();
  const captureId = fields.string();
  const exchangeFolder = fields.string();
  const outputs = has(flags, FLAG.outputs) ? readNames(fields) : undefined;
  const outputFile = has(flags, FLAG.outputFile)
    ? { name: fields.string(), offset: fields.u64(), byteSize: fields.u64() }
    : undefined;
  const inputs = readTensors(fields, payload).map(withOwnBytes);
  fields.end();
  const request: RunRequest = {
    ...(caller === '' ? {} : { caller }),
    inputs,
    ...(outputs === undefined ? {} : { outputs }),
    ...(exchangeFolder === '' ? {} : { exchangeFolder }),
    ...(outputFile === undefined ? {} : { outputFile }),
    maxInlineBytes,
    ...(has(flags, FLAG.blind) ? { blind: true } : {}),
    capture: { mode, captureId, clockSynchronised: has(flags, FLAG.clockSynchronised) },
  };
  return { handle, deadlineUs, request };
}

function withOwnBytes(tensor: HostTensor): HostTensor {
  return 'file' in tensor ? tensor : { ...tensor, data: new Uint8Array(tensor.data) };
}

function flagsOf({ blind, capture, outputs, outputFile }: RunRequest): number {
  return (
    (blind === true ? FLAG.blind : 0) +
    (capture.clockSynchronised ? FLAG.clockSynchronised : 0) +
    (outputs === undefined ? 0 : FLAG.outputs) +
    (outputFile === undefined ? 0 : FLAG.outputFile)
  );
}

function has(flags: number, flag: number): boolean {
  return (flags & flag) !== 0;
}

function modeOf(code: number): RunRequest['capture']['mode'] {
  const mode = MODES[code];
  if (mode === undefined) throw unreadable(`a capture mode must be from 0 to ${MODES.length - 1}`, code);
  return mode;
}

function readNames(fields: FieldReader): string[] {
  const count = fields.u16();
  if (count > MAX_TENSORS) throw unreadable(`it must name at most ${MAX_TENSORS} outputs`, count);
  return Array.from({ length: count }, () => fields.string());
}
