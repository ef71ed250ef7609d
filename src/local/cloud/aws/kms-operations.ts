import * as api from '@aws-sdk/client-kms';
import { on } from './bind.js';
import { CURVES, hashOf, publicKeyOf, signDigest, type Curve } from './ecdsa.js';
import { AwsError } from './errors.js';
import type { BoundOperation } from './http.js';
import { kmsError, type KmsKey, type KmsKeys } from './kms-keys.js';
import { memberOf, type Input, type NeedsTable } from './needs.js';

/** Rights count on keys: an alias gives none. */
export function kmsNeeds(keys: KmsKeys): NeedsTable {
  const onKey = (action: string, member = 'KeyId') => [
    action,
    (input: Input) => [{ action: `kms:${action}`, resource: arnOfKey(keys, memberOf(input, member)) }],
  ];
  return Object.fromEntries([
    onKey('CreateAlias', 'TargetKeyId'),
    onKey('DisableKey'),
    onKey('GetPublicKey'),
    onKey('ScheduleKeyDeletion'),
    onKey('Sign'),
  ]) as NeedsTable;
}

function arnOfKey(keys: KmsKeys, name: string): string {
  try {
    return keys.find(name).arn;
  } catch {
    return '*';
  }
}

/** KMS: keys that sign digests and messages, as far as model signing needs it. */
export function kmsOperations(keys: KmsKeys): BoundOperation[] {
  return [
    on(api.CreateKey$, ({ KeySpec, KeyUsage, ...others }: api.CreateKeyRequest) => {
      refuse(others);
      const { id, arn, spec, usage, state } = keys.create(KeySpec, KeyUsage);
      return { KeyMetadata: { KeyId: id, Arn: arn, KeySpec: spec, KeyUsage: usage, KeyState: state } };
    }),
    on(api.CreateAlias$, ({ AliasName = '', TargetKeyId = '' }: api.CreateAliasRequest) => {
      keys.alias(AliasName, TargetKeyId);
      return {};
    }),
    on(api.DisableKey$, ({ KeyId = '' }: api.DisableKeyRequest) => {
      keys.find(KeyId).state = 'Disabled';
      return {};
    }),
    on(api.ScheduleKeyDeletion$, ({ KeyId = '' }: api.ScheduleKeyDeletionRequest) => {
      const key = keys.find(KeyId);
      key.state = 'PendingDeletion';
      return { KeyId: key.arn, KeyState: key.state };
    }),
    on(api.GetPublicKey$, ({ KeyId = '', GrantTokens }: api.GetPublicKeyRequest) => {
      refuseGrants(GrantTokens);
      return publicKey(keys.usable(KeyId));
    }),
    on(api.Sign$, (input: api.SignRequest) => {
      refuseGrants(input.GrantTokens);
      const signed = sign(keys.usable(input.KeyId ?? ''), input);
      if (input.DryRun !== true) return signed;
      const message = 'The request would have succeeded, but the DryRun option is set.';
      throw new AwsError('DryRunOperationException', 412, message);
    }),
  ];
}

/** Nobody has made a grant here. */
function refuseGrants(tokens: readonly string[] | undefined): void {
  if (tokens !== undefined && tokens.length > 0)
    throw kmsError('InvalidGrantTokenException', 'The grant token is invalid');
}

/** What KMS would heed, and this double does not have. */
function refuse(members: object): void {
  const [name] = Object.entries(members).find(([, value]) => value !== undefined) ?? [];
  if (name !== undefined)
    throw kmsError('UnsupportedOperationException', `The local cloud does not know ${name}`);
}

function publicKey({ arn, spec, usage, privateKey }: KmsKey): api.GetPublicKeyResponse {
  if (privateKey === undefined)
    throw kmsError('UnsupportedOperationException', `${arn} of ${spec} has no public key here`);
  const algorithms = usage === 'SIGN_VERIFY' ? [CURVES[spec]?.algorithm ?? ''] : [];
  return {
    KeyId: arn,
    PublicKey: publicKeyOf(privateKey),
    KeySpec: spec as api.KeySpec,
    KeyUsage: usage as api.KeyUsageType,
    SigningAlgorithms: algorithms as api.SigningAlgorithmSpec[],
  };
}

const MOST_MESSAGE_BYTES = 4096;

function sign(key: KmsKey, input: api.SignRequest): api.SignResponse {
  const { Message, MessageType = 'RAW', SigningAlgorithm } = input;
  const { arn, spec, usage, privateKey } = key;
  const message = Message ?? new Uint8Array();
  if (message.length < 1 || message.length > MOST_MESSAGE_BYTES)
    throw kmsError(
      'ValidationException',
      `1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length less than or equal to ${MOST_MESSAGE_BYTES}`,
    );
  if (usage !== 'SIGN_VERIFY')
    throw kmsError('InvalidKeyUsageException', `${arn} key usage is ${usage} which is not valid for Sign.`);
  const curve = CURVES[spec];
  if (curve === undefined || privateKey === undefined || curve.algorithm !== SigningAlgorithm)
    throw kmsError(
      'InvalidKeyUsageException',
      `Algorithm ${String(SigningAlgorithm)} and key spec ${spec} are incompatible.`,
    );
  const digest = digestOf(message, MessageType, curve);
  return { KeyId: arn, SigningAlgorithm, Signature: signDigest(privateKey, curve, digest) };
}

function digestOf(message: Uint8Array, type: api.MessageType, curve: Curve): Uint8Array {
  if (type === 'RAW') return hashOf(curve, message);
  if (type !== 'DIGEST')
    throw kmsError('ValidationException', `MessageType ${type} is not valid for ${curve.algorithm}.`);
  if (message.length !== curve.digestBytes)
    throw kmsError('ValidationException', `Digest is invalid length for algorithm ${curve.algorithm}.`);
  return message;
}
