import { KMS, type SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import { EdgeError } from '../../src/core/mod.js';
import { createDigestSigner, type Signer } from '../../src/model/mod.js';
import { clientConfig, doing, type AwsOptions } from '../cloud/aws/mod.js';
import { readPem } from '../sign/mod.js';

/** By KMS's key specs. */
const ALGORITHMS: Readonly<Record<string, SigningAlgorithmSpec>> = {
  ECC_NIST_P256: 'ECDSA_SHA_256',
  ECC_NIST_P384: 'ECDSA_SHA_384',
  ECC_NIST_P521: 'ECDSA_SHA_512',
};
/** `arn:aws:kms:eu-central-1:123456789012:key/...` */
const REGION = /^arn:[\w-]+:kms:([\w-]+):/;

export interface KmsSignerOptions {
  /** Id, alias (`alias/models`), or the ARN of either, whose region counts. */
  readonly key: string;
  readonly chainFile?: string | undefined;
  readonly aws: AwsOptions;
}

/**
 * A signer whose private key never leaves AWS KMS: of the package, KMS sees one digest.
 * @throws EdgeError SIGNING_KEY_INVALID for a key of another kind, AWS_DENIED naming kms:GetPublicKey or kms:Sign
 */
export async function openKmsSigner({ key, chainFile, aws }: KmsSignerOptions): Promise<Signer> {
  const [, region] = REGION.exec(key) ?? [];
  const kms = new KMS(clientConfig(region === undefined ? aws : { ...aws, region }, 'KMS'));
  const found = await doing(
    `Cannot use the KMS key ${key}`,
    () => kms.getPublicKey({ KeyId: key }),
    'kms:GetPublicKey',
  );
  const { KeySpec = 'none', KeyUsage = 'none', KeyId = key, PublicKey = new Uint8Array() } = found;
  const algorithm = ALGORITHMS[KeySpec];
  if (algorithm === undefined)
    fail(key, `its spec must be ${Object.keys(ALGORITHMS).join(', ')}: current value is ${KeySpec}`);
  if (KeyUsage !== 'SIGN_VERIFY') fail(key, `its usage must be SIGN_VERIFY: current value is ${KeyUsage}`);
  const signDigest = async (digest: Uint8Array): Promise<Uint8Array> => {
    // By the ARN that gave the public key: an alias could lead elsewhere by now.
    const asked = { KeyId, Message: digest, MessageType: 'DIGEST', SigningAlgorithm: algorithm } as const;
    const signed = await doing(`Cannot sign with the KMS key ${key}`, () => kms.sign(asked), 'kms:Sign');
    return signed.Signature ?? new Uint8Array();
  };
  return createDigestSigner({
    publicKey: PublicKey,
    signDigest,
    ...(chainFile === undefined ? {} : { chainPem: await readPem(chainFile) }),
  });
}

function fail(key: string, reason: string): never {
  throw new EdgeError('SIGNING_KEY_INVALID', `Cannot use the KMS key ${key} as ${reason}`, {
    nextStep: 'Create one with aws kms create-key --key-spec ECC_NIST_P256 --key-usage SIGN_VERIFY',
  });
}
