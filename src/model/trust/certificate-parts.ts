import {
  BIT_STRING,
  BOOLEAN,
  elementsOf,
  hexOf,
  INTEGER,
  NotDer,
  OBJECT_ID,
  OCTET_STRING,
  onlyElement,
  SEQUENCE,
  sequenceOf,
} from './der.js';

/** An extension of a certificate; `id` is the hex of its object identifier. */
export interface Extension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** What Node's X509Certificate does not show of a certificate. */
export interface CertificateParts {
  /** Hex of the object identifier of its issuer's signature. */
  readonly signatureAlgorithm: string;
  /** The subject, a DER sequence of relative names. */
  readonly subject: Uint8Array;
  readonly extensions: readonly Extension[];
}

export const KEY_USAGE = '551d0f';
export const ALTERNATIVE_NAMES = '551d11';
export const BASIC_CONSTRAINTS = '551d13';
export const NAME_CONSTRAINTS = '551d1e';
export const EXTENDED_KEY_USAGE = '551d25';

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
/** Where the subject stands behind the version: serial number, algorithm, issuer, validity, subject. */
const SUBJECT_PLACE = 4;

/** @throws NotDer */
export function certificateParts(der: Uint8Array): CertificateParts {
  const [signed, algorithm] = sequenceOf(der);
  if (signed?.tag !== SEQUENCE || algorithm?.tag !== SEQUENCE) throw new NotDer('it is no certificate');
  const parts = elementsOf(signed.content);
  const subject = parts[SUBJECT_PLACE + (parts[0]?.tag === VERSION ? 1 : 0)];
  if (subject?.tag !== SEQUENCE) throw new NotDer('it has no subject');
  const [id] = elementsOf(algorithm.content);
  const wrapper = parts.find(({ tag }) => tag === EXTENSIONS);
  return {
    signatureAlgorithm: id?.tag === OBJECT_ID ? hexOf(id.content) : '',
    subject: subject.whole,
    extensions: wrapper === undefined ? [] : sequenceOf(wrapper.content).map(extensionOf),
  };
}

/** Of two extensions of one kind a reader could choose either: such a certificate is refused. */
export function extension({ extensions }: CertificateParts, id: string): Extension | undefined {
  const [found, ...others] = extensions.filter((one) => one.id === id);
  if (others.length > 0) throw new NotDer('it has an extension twice');
  return found;
}

export interface KeyUsage {
  readonly critical: boolean;
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
  readonly cRLSign: boolean;
}

/** Undefined where the certificate does not say. @throws NotDer */
export function keyUsageOf(parts: CertificateParts): KeyUsage | undefined {
  const found = extension(parts, KEY_USAGE);
  if (found === undefined) return undefined;
  const { content } = onlyElement(found.value, BIT_STRING);
  const bits = content[1] ?? 0;
  return {
    critical: found.critical,
    digitalSignature: (bits & 0x80) !== 0,
    keyCertSign: (bits & 0x04) !== 0,
    cRLSign: (bits & 0x02) !== 0,
  };
}

/** Object identifiers in hex; undefined where the certificate may be used for anything. @throws NotDer */
export function extendedUsesOf(parts: CertificateParts): readonly string[] | undefined {
  const found = extension(parts, EXTENDED_KEY_USAGE);
  return found === undefined ? undefined : sequenceOf(found.value).map(({ content }) => hexOf(content));
}

/** How many authorities may stand below this one; Infinity where it sets no limit. @throws NotDer */
export function pathLengthOf(parts: CertificateParts): number {
  const found = extension(parts, BASIC_CONSTRAINTS);
  const limit = found === undefined ? undefined : sequenceOf(found.value).find(({ tag }) => tag === INTEGER);
  if (limit === undefined) return Infinity;
  const [length = 0x80] = limit.content;
  if (limit.content.length !== 1 || length >= 0x80) throw new NotDer('its path length is absurd');
  return length;
}

function extensionOf({ tag, content }: { readonly tag: number; readonly content: Uint8Array }): Extension {
  const [id, ...rest] = elementsOf(content);
  const critical = rest.length === 2 ? rest[0] : undefined;
  const value = rest.at(-1);
  if (tag !== SEQUENCE || id?.tag !== OBJECT_ID || value?.tag !== OCTET_STRING || rest.length > 2)
    throw new NotDer('an extension is not of its structure');
  if (critical !== undefined && critical.tag !== BOOLEAN)
    throw new NotDer('an extension is not of its structure');
  return { id: hexOf(id.content), critical: (critical?.content[0] ?? 0) !== 0, value: value.content };
}
