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
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= bytes.length) throw new Error('a number is cut off');
      const byte = view.getUint8(at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error('a number is longer than ten bytes');
  };
  while (at < bytes.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    const length = lengthOf(key % 8, varint);
    if (number === 0) throw new Error('a field has the number 0');
    if (length.kind === 'value') {
      yield { number, bytes: undefined, value: length.value };
      continue;
    }
    if (length.sizeBytes > bytes.length - at) throw new Error('a field ends after its message');
    const part = bytes.subarray(at, at + length.sizeBytes);
    at += length.sizeBytes;
    yield { number, bytes: length.kind === 'bytes' ? part : undefined, value: 0 };
  }
}

type Length =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'bytes' | 'fixed'; readonly sizeBytes: number };

function lengthOf(wireType: number, varint: () => number): Length {
  switch (wireType) {
    case 0:
      return { kind: 'value', value: varint() };
    case 1:
      return { kind: 'fixed', sizeBytes: 8 };
    case 2:
      return { kind: 'bytes', sizeBytes: varint() };
    case 5:
      return { kind: 'fixed', sizeBytes: 4 };
    default:
      throw new Error(`a field has the wire type ${wireType}`);
  }
}
