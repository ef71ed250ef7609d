/** One field of a protobuf message as it stands in the bytes. */
export interface Field {
  readonly number: number;
  readonly wireType: WireType;
  /** The content of a length-delimited field, without a copy. */
  readonly bytes: Uint8Array | undefined;
  /** A varint as a signed 64-bit number; exact up to 2^53, beyond it only large. 0 for other fields. */
  readonly value: number;
}

/** Varint, 8 bytes, length-delimited, 4 bytes. Groups (3 and 4) are refused. */
export type WireType = 0 | 1 | 2 | 5;

/** Largest field number of protobuf; with the wire type it makes a tag of 32 bits. */
const MAX_FIELD_NUMBER = 2 ** 29 - 1;
const TWO_32 = 2 ** 32;

/**
 * Walks the fields of a protobuf message without copying or keeping anything, so that a model of hundreds of
 * megabytes is looked through in the time of its headers.
 *
 * It reads only what a strict writer writes. Where two readers may take the same bytes for different messages
 * (a tag of more than 32 bits, which ONNX Runtime cuts to 32; a padded varint; a group), the bytes are refused:
 * what is found here must be what ONNX Runtime finds.
 * @throws Error where the bytes are no protobuf message in strict form
 */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  const cursor = new Cursor(bytes);
  while (!cursor.done) yield fieldAt(cursor);
}

/** Visits the numbers of a packed repeated field, read as strictly. */
export function eachVarint(bytes: Uint8Array, visit: (value: number) => void): void {
  const cursor = new Cursor(bytes);
  while (!cursor.done) visit(cursor.varint());
}

function fieldAt(cursor: Cursor): Field {
  const tag = cursor.varint();
  // Negative: the 64-bit complement of a number beyond 2^63.
  const number = Math.floor(tag / 8);
  if (number < 1 || number > MAX_FIELD_NUMBER) throw new Error(`a field has the number ${number}`);
  const wireType = tag % 8;
  switch (wireType) {
    case 0:
      return { number, wireType, bytes: undefined, value: cursor.varint() };
    case 1:
      cursor.take(8);
      return { number, wireType, bytes: undefined, value: 0 };
    case 2:
      return { number, wireType, bytes: cursor.take(cursor.varint()), value: 0 };
    case 5:
      cursor.take(4);
      return { number, wireType, bytes: undefined, value: 0 };
    default:
      throw new Error(`a field has the wire type ${wireType}`);
  }
}

class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Signed, of at most 64 bits, in its shortest form. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#next();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return shortest(value, byte, shift);
    }
    return this.#longVarint(value);
  }

  /** The rest of a number of more than 28 bits. */
  #longVarint(low28: number): number {
    const fifth = this.#next();
    const low = low28 + (fifth & 0x0f) * 2 ** 28;
    let high = (fifth & 0x7f) >> 4;
    if (fifth < 0x80) return shortest(high * TWO_32 + low, fifth, 28);
    for (let index = 5; index < 10; index++) {
      const byte = this.#next();
      high += (byte & 0x7f) * 2 ** (7 * index - 32);
      if (byte >= 0x80) continue;
      if (index === 9 && byte > 1) throw new Error('a number has more than 64 bits');
      return shortest((high >= TWO_32 / 2 ? high - TWO_32 : high) * TWO_32 + low, byte, index);
    }
    throw new Error('a number is longer than ten bytes');
  }

  #next(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new Error('a number is cut off');
    return byte;
  }

  take(sizeBytes: number): Uint8Array {
    if (sizeBytes < 0 || sizeBytes > this.#bytes.length - this.#at) {
      throw new Error('a field ends after its message');
    }
    const part = this.#bytes.subarray(this.#at, this.#at + sizeBytes);
    this.#at += sizeBytes;
    return part;
  }
}

/** @param last the number's last byte, and whether others came `before` it */
function shortest(value: number, last: number, before: number): number {
  if (last === 0 && before > 0) throw new Error('a number is written longer than it needs to be');
  return value;
}
