import { EdgeError } from '../../core/mod.js';
import { checked, type Explain } from './explain.js';

/** What narrows the trust in a key, wherever it stands in a chain. */
export interface KeyRule {
  /** SHA-256 of the public key in PEM, lower-case hex: what names it in bundles, sentences and `verify`. */
  readonly key: string;
  /** Signatures that it leads to count from then on, and until then, by the device's clock: RFC 3339. */
  readonly validFrom?: string;
  readonly validUntil?: string;
  /** Only certificates of these subjects count, as `verify` prints them: `O=Plant, CN=Model signing`. */
  readonly subjects?: readonly string[];
}

/** What the trusted keys are narrowed by. */
export interface TrustLimits {
  readonly keyRules?: readonly KeyRule[];
  /** Ids of keys that nothing is admitted by, wherever they stand in a chain. */
  readonly revokedKeys?: readonly string[];
  /** The device admitted it before: it is judged by the rules of then, without chain rules and key rules. */
  readonly admitted?: boolean;
}

/** By which rules a signature is judged, beside the trusted keys. */
export interface VerifyOptions extends TrustLimits {
  readonly explain?: Explain | undefined;
}

/**
 * Whether these keys, one that signs or all of a chain, count now.
 * @param subject of the signer's certificate; undefined for a bare key
 * @param nowMs undefined where the clock is not known to be right: times don't count then, as with certificates
 * @throws EdgeError naming the key
 */
export function checkKeyLimits(
  keys: readonly string[],
  subject: string | undefined,
  nowMs: number | undefined,
  { keyRules = [], revokedKeys = [], admitted, explain }: VerifyOptions,
): void {
  checked(
    explain,
    'no key is revoked',
    () => {
      const revoked = keys.find((key) => revokedKeys.includes(key));
      if (revoked !== undefined) failRevoked(revoked);
    },
    () => keys.join(', '),
  );
  for (const rule of admitted === true ? [] : keyRules.filter(({ key }) => keys.includes(key))) {
    checked(explain, `the key ${rule.key} counts now, and for this signer`, () => {
      checkTimes(rule, nowMs);
      checkSubject(rule, subject);
    });
  }
}

function failRevoked(key: string): never {
  throw new EdgeError('PACKAGE_REVOKED', `Cannot trust the signature as the key ${key} is revoked`, {
    nextStep: 'Sign the package again with another key, and publish it as a new version',
  });
}

function checkTimes({ key, validFrom, validUntil }: KeyRule, nowMs: number | undefined): void {
  if (nowMs === undefined) return;
  const refuse = (when: string): never =>
    fail(
      `the key ${key} counts ${when}`,
      'Sign the package again with a key that counts, and check the clock',
    );
  if (validFrom !== undefined && nowMs < Date.parse(validFrom)) refuse(`from ${validFrom} on`);
  if (validUntil !== undefined && nowMs > Date.parse(validUntil)) refuse(`until ${validUntil} only`);
}

function checkSubject({ key, subjects }: KeyRule, subject: string | undefined): void {
  if (subjects === undefined || subject === undefined || subjects.includes(subject)) return;
  fail(
    `the key ${key} counts for ${subjects.join(' or ')} only: the signer is ${subject}`,
    'Add the subject to signature.keyRules, or sign with one that stands there',
  );
}

function fail(reason: string, nextStep: string): never {
  throw new EdgeError('SIGNATURE_REFUSED', `Cannot trust the signature as ${reason}`, { nextStep });
}
