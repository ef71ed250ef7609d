import type { TensorSpec } from '../../src/model/mod.js';
import { refused } from './refused.js';

/** Which samples of a recording make a tensor. */
export interface WavPart {
  readonly from?: number;
  readonly count?: number;
  readonly channel?: number;
}

interface Recording {
  readonly channels: number;
  readonly frames: number;
  /** Float samples, or integers of so many bits. */
  readonly isFloat: boolean;
  readonly bits: number;
  at(frame: number, channel: number): number;
}

const FORMATS = { pcm: 1, float: 3, extensible: 0xfffe } as const;

/**
 * Samples of a WAV file (PCM of 8 to 32 bits, or floats): for a floating-point input scaled to [-1, 1), for others the
 * integers that stand there.
 * @throws EdgeError INVALID_ARGUMENT saying what is not supported
 */
export function readWav(bytes: Uint8Array, part: WavPart, spec: TensorSpec, field: string): number[] {
  const recording = parseWav(bytes, `${field}.wav`);
  const isFloatInput = spec.datatype.startsWith('FP');
  if (!isFloatInput && recording.isFloat) {
    throw refused(
      `'${field}.wav' holds floating-point samples: the input is ${spec.datatype}`,
      `${field}.wav`,
    );
  }
  const scale = isFloatInput && !recording.isFloat ? 2 ** (recording.bits - 1) : 1;
  const channel = channelOf(recording, part.channel, field);
  const from = part.from ?? 0;
  const count = part.count ?? wantedBy(spec) ?? recording.frames - from;
  if (from + count > recording.frames) {
    throw refused(
      `'${field}.wav' must hold ${count} samples from ${from} on: it holds ${recording.frames}`,
      `${field}.wav`,
      "Give another 'from' and 'count'",
    );
  }
  return Array.from({ length: count }, (_, index) => recording.at(from + index, channel) / scale);
}

/** Elements of an input whose shape is open nowhere but in its batch. */
function wantedBy({ shape }: TensorSpec): number | undefined {
  const [first, ...rest] = shape;
  const sizes = typeof first === 'number' && first >= 0 ? shape : rest;
  if (sizes.length === 0) return undefined;
  return sizes.every((size) => typeof size === 'number' && size >= 0)
    ? sizes.reduce<number>((product, size) => product * Number(size), 1)
    : undefined;
}

function channelOf({ channels }: Recording, wanted: number | undefined, field: string): number {
  if (wanted === undefined && channels === 1) return 0;
  if (wanted !== undefined && wanted <= channels) return wanted - 1;
  throw refused(
    `'${field}.channel' must be from 1 to ${channels}: current value is ${wanted ?? 'missing'}`,
    `${field}.channel`,
  );
}

function parseWav(bytes: Uint8Array, field: string): Recording {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (tag(0) !== 'RIFF' || tag(8) !== 'WAVE') throw refused(`'${field}' is not a WAV file`, field);
  const chunks = new Map<string, DataView>();
  for (let at = 12; at + 8 <= bytes.byteLength;) {
    const size = view.getUint32(at + 4, true);
    const length = Math.min(size, bytes.byteLength - at - 8);
    chunks.set(tag(at), new DataView(bytes.buffer, bytes.byteOffset + at + 8, length));
    at += 8 + size + (size % 2);
  }
  const form = chunks.get('fmt ');
  const data = chunks.get('data');
  if (form === undefined || data === undefined || form.byteLength < 16) {
    throw refused(`'${field}' has no whole 'fmt ' and 'data' chunk`, field);
  }
  return recordingOf(form, data, field);
}

function recordingOf(form: DataView, data: DataView, field: string): Recording {
  const tag = form.getUint16(0, true);
  // An extensible format says at byte 24 which one it is.
  const format = tag === FORMATS.extensible && form.byteLength >= 26 ? form.getUint16(24, true) : tag;
  const channels = form.getUint16(2, true);
  const bits = form.getUint16(14, true);
  const isFloat = format === FORMATS.float;
  const read = READERS[`${isFloat ? 'float' : 'pcm'}${bits}`];
  if ((!isFloat && format !== FORMATS.pcm) || read === undefined || channels < 1) {
    throw refused(
      `'${field}' must hold PCM of 8, 16, 24 or 32 bits or floats: its format is ${format} with ${bits} bits`,
      field,
      'Convert it, such as by ffmpeg -i in.wav -c:a pcm_s16le out.wav',
    );
  }
  const width = bits / 8;
  const frames = Math.floor(data.byteLength / (width * channels));
  return {
    channels,
    frames,
    isFloat,
    bits,
    at: (frame, channel) => read(data, (frame * channels + channel) * width),
  };
}

const READERS: Readonly<Record<string, (view: DataView, at: number) => number>> = {
  pcm8: (view, at) => view.getUint8(at) - 128,
  pcm16: (view, at) => view.getInt16(at, true),
  pcm24: (view, at) => view.getUint16(at, true) + view.getInt8(at + 2) * 65_536,
  pcm32: (view, at) => view.getInt32(at, true),
  float32: (view, at) => view.getFloat32(at, true),
  float64: (view, at) => view.getFloat64(at, true),
};
