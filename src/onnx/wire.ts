/** One field of a protobuf message: its number, and its bytes where it is length-delimited, else its value. */
export interface Field {
  readonly number: number;
  readonly bytes: Uint8Array | undefined;
  /** Varints beyond 2^53 lose precision; only small ones are looked at here. */
  readonly value: number;
}

/**
 * Walks the fields of a protobuf message without copying or keeping anything, so that a model of hundreds of
 * megabytes is looked through in the time of its headers.
 * @throws Error where the bytes are no protobuf message
 */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  const cursor = new Cursor(bytes);
  while (!cursor.done) {
    const key = cursor.varint();
    const number = Math.floor(key / 8);
    const length = lengthOf(key % 8, cursor);
    if (number === 0) throw new Error('a field has the number 0');
    if (length.kind === 'value') {
      yield { number, bytes: undefined, value: length.value };
      continue;
    }
    const part = cursor.take(length.sizeBytes);
    yield { number, bytes: length.kind === 'bytes' ? part : undefined, value: 0 };
  }
}

type Length =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'bytes' | 'fixed'; readonly sizeBytes: number };

function lengthOf(wireType: number, cursor: Cursor): Length {
  switch (wireType) {
    case 0:
      return { kind: 'value', value: cursor.varint() };
    case 1:
      return { kind: 'fixed', sizeBytes: 8 };
    case 2:
      return { kind: 'bytes', sizeBytes: cursor.varint() };
    case 5:
      return { kind: 'fixed', sizeBytes: 4 };
    default:
      throw new Error(`a field has the wire type ${wireType}`);
  }
}

/** The numbers of a packed repeated field. */
export function varintsOf(bytes: Uint8Array): number[] {
  const cursor = new Cursor(bytes);
  const values: number[] = [];
  while (!cursor.done) values.push(cursor.varint());
  return values;
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

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new Error('a number is cut off');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error('a number is longer than ten bytes');
  }

  take(sizeBytes: number): Uint8Array {
    if (sizeBytes > this.#bytes.length - this.#at) throw new Error('a field ends after its message');
    const part = this.#bytes.subarray(this.#at, this.#at + sizeBytes);
    this.#at += sizeBytes;
    return part;
  }
}
