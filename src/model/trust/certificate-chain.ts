import { X509Certificate, type KeyObject } from 'node:crypto';
import { EdgeError, messageOf } from '../../core/mod.js';
import { certificateParts, extendedUsesOf, keyUsageOf, pathLengthOf } from './certificate-parts.js';
import { ANY_USE, CHAIN_RULES, CODE_SIGNING, flawOf, type Link } from './certificate-rules.js';
import { NotDer } from './der.js';
import { checked } from './explain.js';
import { checkKeyLimits, type VerifyOptions } from './key-rules.js';
import { hashForKey, keyId, type TrustStore } from './trust-store.js';

const MAX_LINKS = 8;

/**
 * The signer's key, once its certificate leads to a trusted one: signatures, names, authority flags, path length and
 * validity of each link, then the rules for chains and for keys. Offline: what is revoked
 * stands in the options.
 * @param der leaf first
 * @param nowMs wall time, or undefined where the clock is not known to be right: validity is then not checked
 * @throws EdgeError FAILED_PRECONDITION saying which certificate fails
 */
export function verifyChain(
  der: readonly Uint8Array[],
  trust: TrustStore,
  nowMs: number | undefined,
  options: VerifyOptions = {},
): { key: KeyObject; subject: string } {
  const { explain } = options;
  const chain = checked(
    explain,
    nowMs === undefined
      ? 'the chain leads to a trusted certificate (dates not counted)'
      : 'the chain leads to a trusted certificate, all of it valid now',
    () => findChain(der, trust, nowMs),
    (found) => found.map(({ name }) => name).join(' ← '),
  );
  const [leaf] = chain;
  // Whoever trusts a certificate itself has said what it is for.
  const rules = options.admitted === true || chain.length === 1 ? [] : CHAIN_RULES;
  for (const rule of rules) {
    checked(explain, rule.what, () => {
      const flaw = flawOf(rule, chain);
      if (flaw !== undefined) fail(flaw, undefined, CHAIN_STEP);
    });
  }
  const keys = chain.map(({ certificate }) => keyId(certificate.publicKey));
  checkKeyLimits(keys, leaf.name, nowMs, options);
  return { key: leaf.certificate.publicKey, subject: leaf.name };
}

const CHAIN_STEP =
  'Sign with a certificate that `openssl verify -purpose codesign` accepts, or trust the certificate itself';

type Chain = readonly [Link, ...Link[]];

/** From the leaf to the trusted certificate, both included. */
function findChain(der: readonly Uint8Array[], trust: TrustStore, nowMs: number | undefined): Chain {
  try {
    const [leaf, ...others] = der.map(readDer);
    if (leaf === undefined) fail('it holds no certificate');
    checkSigningUse(leaf);
    checkValidity(leaf, nowMs);
    return walk(leaf, others, trust, nowMs);
  } catch (error) {
    if (error instanceof NotDer) fail(`a certificate can't be read: ${error.message}`, error);
    throw error;
  }
}

function walk(leaf: Link, others: readonly Link[], trust: TrustStore, nowMs: number | undefined): Chain {
  const above: Link[] = [];
  for (let current = leaf; above.length < MAX_LINKS;) {
    const { certificate } = current;
    if (trust.certificates.some((anchor) => anchor.raw.equals(certificate.raw))) return [leaf, ...above];
    const anchor = trust.certificates.find((candidate) => issued(candidate, certificate));
    const issuer =
      anchor === undefined
        ? others.find((candidate) => candidate !== current && issued(candidate.certificate, certificate))
        : linkOf(anchor);
    if (issuer === undefined) {
      throw new EdgeError(
        'CERTIFICATE_REFUSED',
        `Cannot trust the signature as ${current.name} leads to no trusted certificate`,
        { nextStep: 'Add the certificate of its authority to the trusted keys, or sign with a trusted key' },
      );
    }
    checkAuthority(issuer, above.length);
    checkValidity(issuer, nowMs);
    above.push(issuer);
    if (anchor !== undefined) return [leaf, ...above];
    current = issuer;
  }
  fail(`the chain is longer than ${MAX_LINKS} certificates`);
}

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function checkSigningUse({ certificate, parts, name }: Link): void {
  if (hashForKey(certificate.publicKey) === undefined) {
    fail(`the key of ${name} is not EC P-256, P-384 or P-521`);
  }
  const usage = keyUsageOf(parts);
  const uses = extendedUsesOf(parts);
  const signs = usage === undefined || usage.digitalSignature;
  const extendedSigns = uses === undefined || uses.includes(CODE_SIGNING) || uses.includes(ANY_USE);
  const named = usage !== undefined || uses !== undefined;
  if (!signs || !extendedSigns || !named) fail(`${name} is not meant for signing`);
}

function checkAuthority({ certificate, parts, name }: Link, authoritiesBelow: number): void {
  const usage = keyUsageOf(parts);
  const mayIssue = usage === undefined || usage.keyCertSign;
  if (!certificate.ca || !mayIssue) fail(`${name} is not a certificate authority`);
  if (authoritiesBelow > pathLengthOf(parts)) fail(`${name} may not issue authorities`);
}

function checkValidity({ certificate, name }: Link, nowMs: number | undefined): void {
  if (nowMs === undefined) return;
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  if (nowMs >= from && nowMs <= to) return;
  const state = nowMs < from ? 'is not valid yet' : 'has expired';
  throw new EdgeError(
    'CERTIFICATE_REFUSED',
    `Cannot trust the signature as the certificate ${name} ${state}: it is valid from ${certificate.validFrom} to ${certificate.validTo}`,
    { nextStep: 'Sign the package again with a valid certificate, and check the clock' },
  );
}

function linkOf(certificate: X509Certificate): Link {
  const subject = certificate.subject.replaceAll('\n', ', ');
  return {
    certificate,
    parts: certificateParts(certificate.raw),
    name: subject === '' ? 'a certificate without a name' : subject,
  };
}

function readDer(der: Uint8Array): Link {
  try {
    return linkOf(new X509Certificate(der));
  } catch (error) {
    return fail(`a certificate can't be read: ${messageOf(error)}`, error);
  }
}

function fail(reason: string, cause?: unknown, nextStep?: string): never {
  throw new EdgeError('CERTIFICATE_REFUSED', `Cannot trust the signature as ${reason}`, { cause, nextStep });
}
