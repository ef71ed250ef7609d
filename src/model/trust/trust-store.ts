import { createHash, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { EdgeError, messageOf } from '../../core/mod.js';

export type { KeyObject, X509Certificate };

/** Whose signatures count: bare public keys, and certificates (authorities, or signers by themselves). */
export interface TrustStore {
  readonly keys: readonly KeyObject[];
  readonly certificates: readonly X509Certificate[];
}

/** The hash that Sigstore pairs with each curve. */
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
};

/** The signature hash for this key, or undefined where the key is not EC P-256, P-384 or P-521. */
export function hashForKey(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType !== 'ec') return undefined;
  return CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''];
}

/** What names a key everywhere: SHA-256 of its PEM, lower-case hex, as other Model Signing tools have it. */
export function keyId(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'pem' }))
    .digest('hex');
}

/**
 * Trusted keys from PEM texts, each with any number of `PUBLIC KEY` and `CERTIFICATE` blocks.
 * @throws EdgeError INVALID_ARGUMENT for a text without a usable block, or with a private key in it
 */
export function parseTrust(texts: readonly string[]): TrustStore {
  const keys: KeyObject[] = [];
  const certificates: X509Certificate[] = [];
  for (const [index, text] of texts.entries()) {
    const name = `trusted key ${index + 1}`;
    const blocks = pemBlocks(text);
    if (blocks.length === 0) fail(name, 'it holds no PEM block');
    for (const { label, pem } of blocks) {
      if (label === 'CERTIFICATE') certificates.push(readCertificate(name, pem));
      else if (label === 'PUBLIC KEY') keys.push(readPublicKey(name, pem));
      else fail(name, `it must hold public keys or certificates: it holds a block ${label}`);
    }
  }
  return { keys, certificates };
}

/** The certificates of a PEM text, in order. */
export function parseCertificates(name: string, text: string): X509Certificate[] {
  const found = pemBlocks(text).filter(({ label }) => label === 'CERTIFICATE');
  if (found.length === 0) fail(name, 'it holds no certificate');
  return found.map(({ pem }) => readCertificate(name, pem));
}

function readPublicKey(name: string, pem: string): KeyObject {
  const key = attempt(name, () => createPublicKey(pem));
  if (hashForKey(key) === undefined) {
    fail(name, `a key must be EC P-256, P-384 or P-521: current type is ${describeKey(key)}`);
  }
  return key;
}

function readCertificate(name: string, pem: string): X509Certificate {
  return attempt(name, () => new X509Certificate(pem));
}

export function describeKey(key: KeyObject): string {
  return [key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve].filter(Boolean).join(' ');
}

function pemBlocks(text: string): { label: string; pem: string }[] {
  const pattern = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g;
  return [...text.matchAll(pattern)].map(([pem, label]) => ({ label: label ?? '', pem: `${pem}\n` }));
}

function attempt<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    return fail(name, messageOf(error), error);
  }
}

function fail(name: string, reason: string, cause?: unknown): never {
  throw new EdgeError('TRUST_INVALID', `Cannot read ${name} as ${reason}`, {
    field: name,
    cause,
  });
}
