/** Bytes of protobuf messages, also such as no proper writer makes. */
export type Part = Uint8Array;

export interface TagOptions {
  /** Added to the tag: a reader of 32 bits doesn't see what stands above them. */
  readonly above?: bigint;
  /** Bytes of the tag, padded with empty groups of bits. */
  readonly padTo?: number;
}

/** A varint, in its shortest form or padded to `padTo` bytes. */
export function varint(value: number | bigint, padTo = 1): Part {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn));
    rest >>= 7n;
  } while (rest > 0n);
  while (bytes.length < padTo) bytes.push(0);
  return Uint8Array.from(bytes.map((byte, index) => (index < bytes.length - 1 ? byte | 0x80 : byte)));
}

export function tag(number: number, wireType: number, { above = 0n, padTo = 1 }: TagOptions = {}): Part {
  return varint(BigInt(number * 8 + wireType) + above, padTo);
}

/** A length-delimited field. */
export function message(number: number, content: readonly Part[] | string, options: TagOptions = {}): Part {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.concat(content);
  return Buffer.concat([tag(number, 2, options), varint(bytes.length), bytes]);
}

export function number(field: number, value: number | bigint, options: TagOptions = {}): Part {
  return Buffer.concat([tag(field, 0, options), varint(value)]);
}
