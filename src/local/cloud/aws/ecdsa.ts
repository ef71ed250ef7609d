import {
  createECDH,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';

/** A curve that KMS signs with. */
export interface Curve {
  /** As OpenSSL calls it. */
  readonly name: string;
  readonly bytes: number;
  /** Order of the base point. */
  readonly order: bigint;
  readonly algorithm: string;
  /** Bytes of the digest that the algorithm takes. */
  readonly digestBytes: number;
}

/** By KMS's key specs. */
export const CURVES: Readonly<Record<string, Curve>> = {
  ECC_NIST_P256: {
    name: 'prime256v1',
    bytes: 32,
    order: BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
    algorithm: 'ECDSA_SHA_256',
    digestBytes: 32,
  },
  ECC_NIST_P384: {
    name: 'secp384r1',
    bytes: 48,
    order: BigInt(
      '0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
    ),
    algorithm: 'ECDSA_SHA_384',
    digestBytes: 48,
  },
  ECC_SECG_P256K1: {
    name: 'secp256k1',
    bytes: 32,
    order: BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'),
    algorithm: 'ECDSA_SHA_256',
    digestBytes: 32,
  },
};

export function newPrivateKey({ name }: Curve): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: name }).privateKey;
}

/** The public key as KMS gives it: a DER SubjectPublicKeyInfo. */
export function publicKeyOf(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

/** What the curve's algorithm signs of a message. */
export function hashOf({ digestBytes }: Curve, message: Uint8Array): Uint8Array {
  return createHash(`sha${digestBytes * 8}`)
    .update(message)
    .digest();
}

/**
 * Signs a digest as it is. Node signs messages only, and would hash a digest once more; for a double this much of
 * ECDSA does, whose public point comes from Node's Diffie-Hellman. Never for keys that matter: it takes its time by
 * the key's bits.
 * @returns a DER signature
 */
export function signDigest(key: KeyObject, { name, bytes, order }: Curve, digest: Uint8Array): Uint8Array {
  const secret = numberOf(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'));
  for (;;) {
    const nonce = (numberOf(randomBytes(bytes + 8)) % (order - 1n)) + 1n;
    const point = createECDH(name);
    point.setPrivateKey(Buffer.from(nonce.toString(16).padStart(bytes * 2, '0'), 'hex'));
    const r = numberOf(point.getPublicKey().subarray(1, 1 + bytes)) % order;
    const s = (inverse(nonce, order) * (numberOf(digest) + r * secret)) % order;
    if (r !== 0n && s !== 0n) return sequence(integer(r), integer(s));
  }
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

/** The extended Euclidean algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (a > 1n) {
    const quotient = b === 0n ? 0n : a / b;
    [a, b, x, y] = [b, a - quotient * b, y, x - quotient * y];
  }
  return ((x % modulus) + modulus) % modulus;
}

function integer(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  const padded = (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]);
  return Buffer.concat([Buffer.of(0x02, padded.length), padded]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(0x30, content.length), content]);
}
