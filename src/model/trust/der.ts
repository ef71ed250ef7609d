/** A part of a DER encoding: tag, content, and both with the length between them. */
export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_ID = 0x06;
export const SEQUENCE = 0x30;
export const SET = 0x31;

/** Bytes that are not DER in its one form, or not of the expected structure. */
export class NotDer extends Error {
  override readonly name = 'NotDer';
}

/**
 * The elements that follow each other in `bytes`. Lengths must be definite and in their shortest form, tags of one
 * byte: certificates need no other, and two readers can't take them differently.
 * @throws NotDer
 */
export function elementsOf(bytes: Uint8Array): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0;
    if ((tag & 0x1f) === 0x1f) throw new NotDer('a tag has several bytes');
    const { start, length } = lengthAt(bytes, at + 1);
    const end = start + length;
    if (end > bytes.length) throw new NotDer('an element is cut off');
    found.push({ tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return found;
}

/** The one element that `bytes` are, of this tag. @throws NotDer */
export function onlyElement(bytes: Uint8Array, tag: number): Element {
  const [element, ...others] = elementsOf(bytes);
  if (element?.tag !== tag || others.length > 0) throw new NotDer('an element is not of its kind');
  return element;
}

/** The elements of a sequence that `bytes` are. @throws NotDer */
export function sequenceOf(bytes: Uint8Array): Element[] {
  return elementsOf(onlyElement(bytes, SEQUENCE).content);
}

function lengthAt(bytes: Uint8Array, at: number): { start: number; length: number } {
  const first = bytes[at] ?? 0x80;
  if (first < 0x80) return { start: at + 1, length: first };
  const count = first & 0x7f;
  if (count === 0 || count > 3 || at + count >= bytes.length) throw new NotDer('a length is not definite');
  let length = 0;
  for (let index = 1; index <= count; index++) length = length * 256 + (bytes[at + index] ?? 0);
  if (length < 0x80 || length < 256 ** (count - 1)) throw new NotDer('a length is not in its shortest form');
  return { start: at + 1 + count, length };
}

/** The content of an object identifier as lower-case hex: one form for comparisons. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** `2a8648ce3d` as people know it: `1.2.840.10045`. */
export function dottedId(hex: string): string {
  const numbers: bigint[] = [];
  let value = 0n;
  for (const byte of Buffer.from(hex, 'hex')) {
    value = value * 128n + BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    if (numbers.length > 0) numbers.push(value);
    else numbers.push(...(value < 80n ? [value / 40n, value % 40n] : [2n, value - 80n]));
    value = 0n;
  }
  return numbers.join('.');
}
