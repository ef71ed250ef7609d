/**
 * The few DER bytes that Node's X509Certificate does not show: key usage bits and the path length limit.
 * Reads only; anything malformed gives `undefined`, which callers treat as "not allowed".
 */
interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

const SEQUENCE = 0x30;
const OCTET_STRING = 0x04;
const BIT_STRING = 0x03;
const INTEGER = 0x02;
const OBJECT_ID = 0x06;
const EXTENSIONS = 0xa3;

const KEY_USAGE = '551d0f';
const BASIC_CONSTRAINTS = '551d13';

export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
}

/** The certificate's key usage, `absent` where it has no such extension, undefined where it can't be read. */
export function keyUsageOf(certificate: Uint8Array): KeyUsage | 'absent' | undefined {
  const value = extension(certificate, KEY_USAGE);
  if (value === 'absent' || value === undefined) return value;
  const [bits] = children(value) ?? [];
  const first = bits?.tag === BIT_STRING ? bits.content[1] : undefined;
  if (first === undefined) return undefined;
  return { digitalSignature: (first & 0x80) !== 0, keyCertSign: (first & 0x04) !== 0 };
}

/** How many intermediate authorities may stand below this one; Infinity where no limit is set. */
export function pathLengthOf(certificate: Uint8Array): number | undefined {
  const value = extension(certificate, BASIC_CONSTRAINTS);
  if (value === 'absent') return Infinity;
  const [sequence] = value === undefined ? [] : (children(value) ?? []);
  const parts = sequence?.tag === SEQUENCE ? children(sequence.content) : undefined;
  if (parts === undefined) return undefined;
  const limit = parts.find((part) => part.tag === INTEGER);
  if (limit === undefined) return Infinity;
  return limit.content.length === 1 ? limit.content[0] : undefined;
}

function extension(certificate: Uint8Array, oid: string): Uint8Array | 'absent' | undefined {
  const [outer] = children(certificate) ?? [];
  const [signed] = outer === undefined ? [] : (children(outer.content) ?? []);
  const parts = signed === undefined ? undefined : children(signed.content);
  if (parts === undefined) return undefined;
  const wrapper = parts.find((part) => part.tag === EXTENSIONS);
  if (wrapper === undefined) return 'absent';
  const [list] = children(wrapper.content) ?? [];
  for (const entry of (list === undefined ? undefined : children(list.content)) ?? []) {
    const fields = children(entry.content) ?? [];
    const id = fields[0];
    if (id?.tag !== OBJECT_ID || Buffer.from(id.content).toString('hex') !== oid) continue;
    return fields.find((field) => field.tag === OCTET_STRING)?.content;
  }
  return 'absent';
}

function children(bytes: Uint8Array): Element[] | undefined {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at];
    const size = lengthAt(bytes, at + 1);
    if (tag === undefined || size === undefined) return undefined;
    const end = size.start + size.length;
    if (end > bytes.length) return undefined;
    found.push({ tag, content: bytes.subarray(size.start, end) });
    at = end;
  }
  return found;
}

function lengthAt(bytes: Uint8Array, at: number): { start: number; length: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80) return { start: at + 1, length: first };
  const count = first & 0x7f;
  if (count === 0 || count > 3 || at + count >= bytes.length) return undefined;
  let length = 0;
  for (let index = 1; index <= count; index++) length = length * 256 + (bytes[at + index] ?? 0);
  return { start: at + 1 + count, length };
}
