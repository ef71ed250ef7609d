import { ALTERNATIVE_NAMES, extension, type CertificateParts } from './certificate-parts.js';
import { elementsOf, hexOf, NotDer, OBJECT_ID, onlyElement, SEQUENCE, sequenceOf, SET } from './der.js';

/** Tags of the kinds of names that a certificate may bear, and constrain. */
export const EMAIL = 0x81;
export const DNS = 0x82;
export const DIRECTORY = 0xa4;

/** `value` is what the tag holds: text, or the DER of a directory name. */
export interface GeneralName {
  readonly tag: number;
  readonly value: Uint8Array;
}

const EMAIL_ATTRIBUTE = '2a864886f70d010901';
const COMMON_NAME = '550403';
/** A common name that a careless reader takes for a host. */
const HOST_LIKE = /^[\w-]+(?:\.[\w-]+)+$/;

/** Every name that a certificate bears, wherever it stands. @throws NotDer */
export function namesOf(parts: CertificateParts): readonly GeneralName[] {
  const held = extension(parts, ALTERNATIVE_NAMES);
  const alternatives =
    held === undefined ? [] : sequenceOf(held.value).map(({ tag, content }) => ({ tag, value: content }));
  const subject = relativeNames(parts.subject);
  const attributes = subject.flat();
  const hosts = alternatives.some(({ tag }) => tag === DNS)
    ? []
    : attributes.filter(({ id, text }) => id === COMMON_NAME && HOST_LIKE.test(text));
  return [
    ...(subject.length === 0 ? [] : [{ tag: DIRECTORY, value: parts.subject }]),
    ...alternatives,
    ...attributes
      .filter(({ id }) => id === EMAIL_ATTRIBUTE)
      .map(({ text }) => ({ tag: EMAIL, value: Buffer.from(text) })),
    ...hosts.map(({ text }) => ({ tag: DNS, value: Buffer.from(text) })),
  ];
}

interface Attribute {
  readonly id: string;
  /** Compared without regard to case and runs of spaces. */
  readonly text: string;
}

/** A directory name as lists of attributes, one list for each relative name. @throws NotDer */
export function relativeNames(name: Uint8Array): readonly (readonly Attribute[])[] {
  return sequenceOf(name).map(({ tag, content }) => {
    if (tag !== SET) throw new NotDer('a name is not of its structure');
    return elementsOf(content).map(attributeOf);
  });
}

function attributeOf({ tag, content }: { readonly tag: number; readonly content: Uint8Array }): Attribute {
  const [id, value] = elementsOf(content);
  if (tag !== SEQUENCE || id?.tag !== OBJECT_ID || value === undefined)
    throw new NotDer('a name is not of its structure');
  return { id: hexOf(id.content), text: textOf(value.tag, value.content, value.whole) };
}

const UTF8 = 0x0c;
const UNIVERSAL = 0x1c;
const BMP = 0x1e;
/** Printable, T61, IA5, Visible. */
const ONE_BYTE: ReadonlySet<number> = new Set([0x13, 0x14, 0x16, 0x1a]);

/** As OpenSSL compares names: one text for all kinds of strings, without regard to ASCII case and runs of spaces. */
function textOf(tag: number, content: Uint8Array, whole: Uint8Array): string {
  const text = stringOf(tag, content);
  if (text === undefined) return hexOf(whole);
  return text
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function stringOf(tag: number, content: Uint8Array): string | undefined {
  if (tag === UTF8) return Buffer.from(content).toString('utf8');
  if (ONE_BYTE.has(tag)) return Buffer.from(content).toString('latin1');
  if (tag === BMP) return wide(content, 2);
  return tag === UNIVERSAL ? wide(content, 4) : undefined;
}

function wide(content: Uint8Array, size: number): string | undefined {
  if (content.length % size !== 0) return undefined;
  const codes = Array.from({ length: content.length / size }, (_, index) =>
    content.subarray(index * size, (index + 1) * size).reduce((code, byte) => code * 256 + byte, 0),
  );
  return codes.some((code) => code > 0x10ffff) ? undefined : String.fromCodePoint(...codes);
}

/** The directory name within a general name, which wraps it. */
export function directoryName({ tag, value }: GeneralName): Uint8Array {
  if (tag !== DIRECTORY) throw new NotDer('a name is not of its structure');
  return onlyElement(value, SEQUENCE).whole;
}
