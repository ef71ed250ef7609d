import {
  ALTERNATIVE_NAMES,
  BASIC_CONSTRAINTS,
  extendedUsesOf,
  EXTENDED_KEY_USAGE,
  extension,
  KEY_USAGE,
  keyUsageOf,
  NAME_CONSTRAINTS,
  type CertificateParts,
} from './certificate-parts.js';
import { dottedId, NotDer } from './der.js';
import { nameFlaw } from './name-constraints.js';
import { describeKey, hashForKey, type KeyObject, type X509Certificate } from './trust-store.js';

/** A certificate of a chain that has been found. */
export interface Link {
  readonly certificate: X509Certificate;
  readonly parts: CertificateParts;
  /** How sentences call it. */
  readonly name: string;
}

/** A rule over a whole chain, from the signer up to the trusted certificate. */
interface ChainRule {
  /** What holds where it finds no flaw, for `verify --explain`. */
  readonly what: string;
  readonly flawOf: (chain: readonly Link[]) => string | undefined;
}

export const CODE_SIGNING = '2b06010505070303';
const SERVER = '2b06010505070301';
export const ANY_USE = '551d2500';

/** All that is looked at here: a critical extension beside these could forbid what we would allow. */
const JUDGED: ReadonlySet<string> = new Set([
  ALTERNATIVE_NAMES,
  BASIC_CONSTRAINTS,
  EXTENDED_KEY_USAGE,
  KEY_USAGE,
  NAME_CONSTRAINTS,
]);

/** ECDSA and RSA with SHA-256, SHA-384, SHA-512; Ed25519, Ed448. */
const SIGNATURES: ReadonlySet<string> = new Set([
  '2a8648ce3d040302',
  '2a8648ce3d040303',
  '2a8648ce3d040304',
  '2a864886f70d01010b',
  '2a864886f70d01010c',
  '2a864886f70d01010d',
  '2b6570',
  '2b6571',
]);
const RSA_MINIMUM_BITS = 2048;

/**
 * What a chain must hold to beside what makes it one: all that `openssl verify -purpose codesign -auth_level 2` asks,
 * and that authorities are not for other uses only. A suite holds both together (row S11).
 */
export const CHAIN_RULES: readonly ChainRule[] = [
  { what: 'the signer is made for signing code', flawOf: signerFlaw },
  { what: 'authorities may issue for signing code', flawOf: (chain) => firstOf(chain.slice(1), useFlaw) },
  { what: 'critical extensions are all understood', flawOf: (chain) => firstOf(chain, criticalFlaw) },
  { what: 'no signature is weak', flawOf: (chain) => firstOf(chain.slice(0, -1), signatureFlaw) },
  { what: 'no key is weak', flawOf: (chain) => firstOf(chain, keyFlaw) },
  { what: 'names are within their constraints', flawOf: namesFlaw },
];

/** Why the rule refuses the chain, as a part of a sentence; what can't be read is refused. */
export function flawOf(rule: ChainRule, chain: readonly Link[]): string | undefined {
  try {
    return rule.flawOf(chain);
  } catch (error) {
    if (error instanceof NotDer) return `a certificate of the chain can't be read: ${error.message}`;
    throw error;
  }
}

function firstOf(chain: readonly Link[], flawOf: (link: Link) => string | undefined): string | undefined {
  for (const link of chain) {
    const flaw = flawOf(link);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

/** The rules of the CA/Browser Forum, as OpenSSL has them. */
function signerFlaw([signer]: readonly Link[]): string | undefined {
  if (signer === undefined) return undefined;
  const { name, parts } = signer;
  const usage = keyUsageOf(parts);
  if (usage?.critical !== true || usage.keyCertSign || usage.cRLSign)
    return `${name} must have a critical key usage with digitalSignature, and neither keyCertSign nor cRLSign`;
  const uses = extendedUsesOf(parts);
  if (uses?.includes(CODE_SIGNING) !== true) return `${name} must have the extended key usage codeSigning`;
  if (uses.includes(SERVER) || uses.includes(ANY_USE))
    return `${name} must not have the extended key usages serverAuth and anyExtendedKeyUsage`;
  return undefined;
}

function useFlaw({ name, parts }: Link): string | undefined {
  const uses = extendedUsesOf(parts);
  const fits = uses === undefined || uses.includes(CODE_SIGNING) || uses.includes(ANY_USE);
  return fits ? undefined : `${name} is for other uses than codeSigning`;
}

function criticalFlaw({ name, parts }: Link): string | undefined {
  const unknown = parts.extensions.find(({ id, critical }) => critical && !JUDGED.has(id));
  if (unknown !== undefined)
    return `${name} has a critical extension that is not understood: ${dottedId(unknown.id)}`;
  // Throws where one of these stands twice.
  for (const id of JUDGED) extension(parts, id);
  return undefined;
}

function signatureFlaw({ name, parts }: Link): string | undefined {
  const { signatureAlgorithm } = parts;
  return SIGNATURES.has(signatureAlgorithm)
    ? undefined
    : `${name} is signed by an algorithm that does not count: ${dottedId(signatureAlgorithm)}`;
}

function keyFlaw({ name, certificate }: Link): string | undefined {
  const key = certificate.publicKey;
  return isStrong(key) ? undefined : `the key of ${name} is too weak: ${describeStrength(key)}`;
}

function isStrong(key: KeyObject): boolean {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_MINIMUM_BITS;
    case 'ec':
      return hashForKey(key) !== undefined;
    default:
      return key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyType === 'ed448';
  }
}

function describeStrength(key: KeyObject): string {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  return bits === undefined ? describeKey(key) : `${describeKey(key)} with ${bits} bits`;
}

function namesFlaw(chain: readonly Link[]): string | undefined {
  for (const [height, authority] of chain.entries()) {
    for (const below of chain.slice(0, height)) {
      const flaw = nameFlaw(authority.parts, below.parts);
      if (flaw !== undefined) return `${below.name} ${flaw}: ${authority.name} constrains it`;
    }
  }
  return undefined;
}
