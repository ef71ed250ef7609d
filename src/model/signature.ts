import { createHash, createPrivateKey, sign, verify, type KeyObject, createPublicKey } from 'node:crypto';
import { EdgeError, messageOf } from '../core/mod.js';
import {
  compareCodePoints,
  createStatement,
  encodeBundle,
  parseBundle,
  preAuthenticationEncoding,
  type ParsedBundle,
  type Resource,
  type SignerMaterial,
} from './signature-bundle.js';
import {
  checked,
  checkKeyLimits,
  describeKey,
  hashForKey,
  keyId,
  parseCertificates,
  verifyChain,
  type TrustStore,
  type VerifyOptions,
} from './trust/mod.js';

/** What signs: a key file, or a key in a KMS. `sign` gives a DER ECDSA signature with the curve's own hash. */
export interface Signer {
  readonly material: SignerMaterial & { readonly method: 'key' | 'certificate' };
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** A signature that held, and what it holds for. */
export interface VerifiedSignature {
  readonly method: 'key' | 'certificate';
  /** `key <SHA-256 of the public key's PEM>`, or the certificate's subject. */
  readonly signer: string;
  readonly resources: readonly Resource[];
}

/**
 * A signer over a private key in PEM, with a certificate chain (leaf first) where one is given.
 * @throws EdgeError INVALID_ARGUMENT for an unusable key, or a leaf certificate of another key
 */
export function createKeySigner(
  privateKeyPem: string,
  options: { passphrase?: string; chainPem?: string } = {},
): Signer {
  const key = readPrivateKey(privateKeyPem, options.passphrase);
  const hash = hashForKey(key);
  if (hash === undefined) {
    failKey(`it must be EC P-256, P-384 or P-521: current type is ${describeKey(key)}`);
  }
  return {
    material: materialFor(createPublicKey(key), options.chainPem),
    sign: (bytes) => Promise.resolve(sign(hash, bytes, { key, dsaEncoding: 'der' })),
  };
}

export interface DigestSignerOptions {
  /** A DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** PEM, leaf first. */
  readonly chainPem?: string;
  /** Signs a digest by the curve's own hash (SHA-256 for P-256), elsewhere. @returns a DER signature */
  readonly signDigest: (digest: Uint8Array) => Promise<Uint8Array>;
}

/**
 * A signer whose private key stays where it is, such as in a KMS. What comes back is checked before it counts.
 * @throws EdgeError SIGNING_KEY_INVALID for an unusable key, or a leaf certificate of another key
 */
export function createDigestSigner({ publicKey, chainPem, signDigest }: DigestSignerOptions): Signer {
  const key = readPublicKey(publicKey);
  const hash = hashForKey(key);
  if (hash === undefined) {
    failKey(`it must be EC P-256, P-384 or P-521: current type is ${describeKey(key)}`);
  }
  return {
    material: materialFor(key, chainPem),
    sign: async (bytes) => {
      const signature = await signDigest(createHash(hash).update(bytes).digest());
      if (!verify(hash, bytes, { key, dsaEncoding: 'der' }, signature))
        failKey('what it signed does not match its public key');
      return signature;
    },
  };
}

/** Signs files by name and digest; gives the bytes of `model.sig`. */
export async function signResources(
  subjectName: string,
  resources: readonly Resource[],
  signer: Signer,
): Promise<Uint8Array> {
  const sorted = resources.toSorted((a, b) => compareCodePoints(a.name, b.name));
  const root = createHash('sha256');
  for (const { sha256 } of sorted) root.update(Buffer.from(sha256, 'hex'));
  const statement = createStatement(subjectName, sorted, root.digest('hex'));
  const payload = Buffer.from(JSON.stringify(statement));
  return encodeBundle(signer.material, payload, await signer.sign(preAuthenticationEncoding(payload)));
}

/**
 * Checks a signature against trusted keys. The caller then compares `resources` with the files.
 * @param nowMs wall time for certificates' validity; undefined where the clock is not known to be right
 * @throws EdgeError INVALID_ARGUMENT where the bundle can't be read, FAILED_PRECONDITION where it can't be trusted
 */
export function verifySignature(
  bundleBytes: Uint8Array,
  trust: TrustStore,
  nowMs: number | undefined,
  options: VerifyOptions = {},
): VerifiedSignature {
  const { explain } = options;
  const bundle = checked(
    explain,
    'the signature is a Sigstore bundle of Model Signing v1.0',
    () => parseBundle(bundleBytes),
    ({ material }) => `signed by ${material.method}`,
  );
  const resources = sha256Resources(bundle);
  const { material } = bundle;
  switch (material.method) {
    case 'key':
      return { method: 'key', signer: verifyByKey(bundle, material.hint, trust, nowMs, options), resources };
    case 'certificate': {
      const { key, subject } = verifyChain(material.chain, trust, nowMs, options);
      checked(explain, 'the signature matches its statement', () => {
        if (!holds(bundle, key)) fail('it does not match its statement');
      });
      return { method: 'certificate', signer: subject, resources };
    }
    case 'sigstore':
      fail('it is a keyless Sigstore signature, which needs the network to check', {
        nextStep: 'Sign the package with a key or a certificate',
      });
  }
}

function verifyByKey(
  bundle: ParsedBundle,
  hint: string | undefined,
  trust: TrustStore,
  nowMs: number | undefined,
  options: VerifyOptions,
): string {
  const { explain } = options;
  const id = keyId(
    checked(
      explain,
      'a trusted key made the signature',
      () => findKey(bundle, hint, trust),
      (key) => keyId(key),
    ),
  );
  checkKeyLimits([id], undefined, nowMs, options);
  return `key ${id}`;
}

function findKey(bundle: ParsedBundle, hint: string | undefined, trust: TrustStore): KeyObject {
  // Bundles from before the hint existed name no key in a form that can be compared: every trusted key is tried.
  const candidates = trust.keys.filter((key) => hint === undefined || keyId(key) === hint);
  if (candidates.length === 0) {
    fail(`its key is not trusted: the SHA-256 of its PEM is ${hint ?? 'not given'}`, {
      nextStep: 'Add its public key to the trusted keys, or sign with a trusted key',
    });
  }
  const key = candidates.find((candidate) => holds(bundle, candidate));
  if (key === undefined) fail('it does not match its statement');
  return key;
}

function holds(bundle: ParsedBundle, key: KeyObject): boolean {
  const hash = hashForKey(key);
  if (hash === undefined) return false;
  return verify(
    hash,
    preAuthenticationEncoding(bundle.payload),
    { key, dsaEncoding: 'der' },
    bundle.signature,
  );
}

function sha256Resources({ statement }: ParsedBundle): Resource[] {
  const { resources, serialization } = statement.predicate;
  if (serialization.method !== 'files') fail("it covers shards of files: sign with the method 'files'");
  return resources.map(({ name, digest, algorithm }) => {
    if (algorithm !== 'sha256' || serialization.hash_type !== 'sha256') {
      fail(`it uses ${algorithm} digests: sign with sha256`);
    }
    return { name, sha256: digest };
  });
}

function materialFor(publicKey: KeyObject, chainPem: string | undefined): Signer['material'] {
  if (chainPem === undefined) return { method: 'key', hint: keyId(publicKey) };
  const chain = parseCertificates('the certificate chain', chainPem);
  if (chain[0]?.publicKey.equals(publicKey) !== true) {
    failKey('the first certificate of the chain belongs to another key');
  }
  return { method: 'certificate', chain: chain.map((certificate) => new Uint8Array(certificate.raw)) };
}

function readPrivateKey(pem: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    return failKey(`it can't be read: ${messageOf(error)}`, error);
  }
}

function readPublicKey(der: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  } catch (error) {
    return failKey(`its public key can't be read: ${messageOf(error)}`, error);
  }
}

function failKey(reason: string, cause?: unknown): never {
  throw new EdgeError('SIGNING_KEY_INVALID', `Cannot use the signing key as ${reason}`, { cause });
}

function fail(reason: string, details: { nextStep?: string } = {}): never {
  throw new EdgeError('SIGNATURE_REFUSED', `Cannot trust the signature as ${reason}`, details);
}
