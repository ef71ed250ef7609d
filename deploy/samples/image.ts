import type { Tensor } from '../../src/contract/mod.js';
import { messageOf } from '../../src/core/mod.js';
import type { TensorSpec } from '../../src/model/mod.js';
import { modelLayout, prepareOutside, type Steps } from '../preprocess/mod.js';
import { refused } from './refused.js';

/** Pixels row by row, `channels` bytes each. */
interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

const PNG = [0x89, 0x50, 0x4e, 0x47];
const JPEG = [0xff, 0xd8, 0xff];

/**
 * A PNG or JPEG file as an input: its pixels (0 to 255, red first) with as many channels as the model takes, and
 * what `steps` say.
 * @throws EdgeError INVALID_ARGUMENT where it is another format, or does not fit the input
 */
export async function readImage(
  spec: TensorSpec,
  bytes: Uint8Array,
  steps: Steps,
  field: string,
): Promise<Tensor> {
  const target = modelLayout(spec, steps, field);
  const wanted = spec.shape[target.indexOf('C')];
  const decoded = await decode(bytes, field);
  const { height, width, channels, data } = withChannels(
    decoded,
    typeof wanted === 'number' && wanted > 0 ? wanted : 3,
  );
  const sent = { name: spec.name, datatype: 'UINT8', shape: [height, width, channels], data } as const;
  return prepareOutside(sent, spec, { ...steps, layout: 'HWC', modelLayout: target }, field);
}

async function decode(bytes: Uint8Array, field: string): Promise<Pixels> {
  const starts = (magic: readonly number[]): boolean => magic.every((byte, index) => bytes[index] === byte);
  try {
    if (starts(PNG)) return await decodePng(bytes);
    if (starts(JPEG)) return await decodeJpeg(bytes);
  } catch (error) {
    throw refused(
      `'${field}.image' can't be decoded: ${messageOf(error)}`,
      `${field}.image`,
      undefined,
      error,
    );
  }
  throw refused(`'${field}.image' is neither PNG nor JPEG`, `${field}.image`, 'Convert it to PNG');
}

async function decodePng(bytes: Uint8Array): Promise<Pixels> {
  const { convertIndexedToRgb, decode: decoded } = await import('fast-png');
  const image = decoded(bytes);
  const { height, width, depth } = image;
  if (image.palette !== undefined) {
    const data = convertIndexedToRgb(image);
    return { height, width, channels: data.length / (height * width), data: new Uint8Array(data) };
  }
  const data = depth < 8 ? unpackedGrey(image.data, height, width, depth) : eightBits(image.data, depth);
  return { height, width, channels: image.channels, data };
}

/** Of 16 bits the upper 8. */
function eightBits(data: ArrayLike<number>, depth: number): Uint8Array {
  return Uint8Array.from(data, (value) => (depth === 16 ? value >> 8 : value));
}

/** Grey of 1, 2 or 4 bits stands packed, each row from a byte of its own. */
function unpackedGrey(packed: ArrayLike<number>, height: number, width: number, depth: number): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  const largest = 2 ** depth - 1;
  return Uint8Array.from({ length: height * width }, (_, pixel) => {
    const bit = (pixel % width) * depth;
    const byte = packed[Math.floor(pixel / width) * rowBytes + (bit >> 3)] ?? 0;
    return (((byte >> (8 - depth - (bit & 7))) & largest) * 255) / largest;
  });
}

async function decodeJpeg(bytes: Uint8Array): Promise<Pixels> {
  const jpeg = await import('jpeg-js');
  const options = { useTArray: true, formatAsRGBA: false, tolerantDecoding: false } as const;
  const { height, width, data } = jpeg.decode(bytes, options);
  return { height, width, channels: 3, data };
}

/** As many channels as the model takes: grey from colours by ITU-R 601, and an opaque fourth where there is none. */
function withChannels({ height, width, channels, data }: Pixels, wanted: number): Pixels {
  if (channels === wanted) return { height, width, channels, data };
  const isGrey = channels < 3;
  const out = new Uint8Array(height * width * wanted);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const at = (channel: number): number => data[pixel * channels + (isGrey ? 0 : channel)] ?? 0;
    const grey = Math.round((at(0) * 299 + at(1) * 587 + at(2) * 114) / 1000);
    const alpha = channels % 2 === 0 ? (data[pixel * channels + channels - 1] ?? 255) : 255;
    for (let channel = 0; channel < wanted; channel++) {
      out[pixel * wanted + channel] =
        wanted < 3 ? (channel === 0 ? grey : alpha) : channel === 3 ? alpha : at(channel);
    }
  }
  return { height, width, channels: wanted, data: out };
}
