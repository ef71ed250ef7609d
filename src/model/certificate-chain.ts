import { X509Certificate, type KeyObject } from 'node:crypto';
import { EdgeError, messageOf } from '../core/mod.js';
import { keyUsageOf, pathLengthOf } from './der.js';
import { hashForKey, type TrustStore } from './trust.js';

const MAX_LINKS = 8;
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const ANY_USAGE = '2.5.29.37.0';

/**
 * The signer's key, once its certificate leads to a trusted one: each link's signature, names, authority flag,
 * path length and validity are checked, offline. Revocation is not: a key is withdrawn by taking it off the list.
 * @param der leaf first
 * @param nowMs wall time, or undefined where the clock is not known to be right: validity is then not checked
 * @throws EdgeError FAILED_PRECONDITION saying which certificate fails
 */
export function verifyChain(
  der: readonly Uint8Array[],
  trust: TrustStore,
  nowMs: number | undefined,
): { key: KeyObject; subject: string } {
  const [leaf, ...others] = der.map(readDer);
  if (leaf === undefined) fail('it holds no certificate');
  checkSigningUse(leaf);
  checkValidity(leaf, nowMs);
  walk(leaf, others, trust, nowMs);
  return { key: leaf.publicKey, subject: nameOf(leaf) };
}

function walk(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  trust: TrustStore,
  nowMs: number | undefined,
): void {
  let current = leaf;
  for (let below = 0; below < MAX_LINKS; below++) {
    if (trust.certificates.some((anchor) => anchor.raw.equals(current.raw))) return;
    const anchor = trust.certificates.find((candidate) => issued(candidate, current));
    const issuer = anchor ?? others.find((candidate) => candidate !== current && issued(candidate, current));
    if (issuer === undefined) {
      throw new EdgeError(
        'CERTIFICATE_REFUSED',
        `Cannot trust the signature as ${nameOf(current)} leads to no trusted certificate`,
        { nextStep: 'Add the certificate of its authority to the trusted keys, or sign with a trusted key' },
      );
    }
    checkAuthority(issuer, below);
    checkValidity(issuer, nowMs);
    if (anchor !== undefined) return;
    current = issuer;
  }
  fail(`the chain is longer than ${MAX_LINKS} certificates`);
}

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function checkSigningUse(leaf: X509Certificate): void {
  if (hashForKey(leaf.publicKey) === undefined) {
    fail(`the key of ${nameOf(leaf)} is not EC P-256, P-384 or P-521`);
  }
  const usage = keyUsageOf(leaf.raw);
  // Node types keyUsage as always there; it is undefined for a certificate without the extension.
  const extended = leaf.keyUsage as string[] | undefined;
  const signs = usage === 'absent' || usage?.digitalSignature === true;
  const extendedSigns =
    extended === undefined || extended.includes(CODE_SIGNING) || extended.includes(ANY_USAGE);
  const named = usage !== 'absent' || extended !== undefined;
  if (!signs || !extendedSigns || !named) fail(`${nameOf(leaf)} is not meant for signing`);
}

function checkAuthority(issuer: X509Certificate, authoritiesBelow: number): void {
  const usage = keyUsageOf(issuer.raw);
  const mayIssue = usage === 'absent' || usage?.keyCertSign === true;
  if (!issuer.ca || !mayIssue) fail(`${nameOf(issuer)} is not a certificate authority`);
  const limit = pathLengthOf(issuer.raw);
  if (limit === undefined || authoritiesBelow > limit) fail(`${nameOf(issuer)} may not issue authorities`);
}

function checkValidity(certificate: X509Certificate, nowMs: number | undefined): void {
  if (nowMs === undefined) return;
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  if (nowMs >= from && nowMs <= to) return;
  const state = nowMs < from ? 'is not valid yet' : 'has expired';
  throw new EdgeError(
    'CERTIFICATE_REFUSED',
    `Cannot trust the signature as the certificate ${nameOf(certificate)} ${state}: it is valid from ${certificate.validFrom} to ${certificate.validTo}`,
    { nextStep: 'Sign the package again with a valid certificate, and check the clock' },
  );
}

function nameOf(certificate: X509Certificate): string {
  const subject = certificate.subject.replaceAll('\n', ', ');
  return subject === '' ? 'a certificate without a name' : subject;
}

function readDer(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    return fail(`a certificate can't be read: ${messageOf(error)}`, error);
  }
}

function fail(reason: string, cause?: unknown): never {
  throw new EdgeError('CERTIFICATE_REFUSED', `Cannot trust the signature as ${reason}`, { cause });
}
