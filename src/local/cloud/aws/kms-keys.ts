import { arnOf, type Account } from './account.js';
import { CURVES, newPrivateKey } from './ecdsa.js';
import { AwsError } from './errors.js';

type PrivateKey = ReturnType<typeof newPrivateKey>;

export interface KmsKey {
  readonly id: string;
  readonly arn: string;
  readonly spec: string;
  readonly usage: string;
  /** Undefined for keys of other kinds than elliptic curves: the double keeps them to refuse what KMS refuses. */
  readonly privateKey: PrivateKey | undefined;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
}

/** What may be asked of a key spec, of those that the double has. */
const USAGES: Readonly<Record<string, readonly string[]>> = {
  SYMMETRIC_DEFAULT: ['ENCRYPT_DECRYPT'],
  RSA_2048: ['SIGN_VERIFY', 'ENCRYPT_DECRYPT'],
  ECC_NIST_P256: ['SIGN_VERIFY', 'KEY_AGREEMENT'],
  ECC_NIST_P384: ['SIGN_VERIFY', 'KEY_AGREEMENT'],
  ECC_SECG_P256K1: ['SIGN_VERIFY'],
};

/** The keys of KMS and their aliases, in memory. */
export class KmsKeys {
  readonly #account: Account;
  readonly #keys = new Map<string, KmsKey>();
  readonly #aliases = new Map<string, string>();

  constructor(account: Account) {
    this.#account = account;
  }

  create(spec = 'SYMMETRIC_DEFAULT', usage = 'ENCRYPT_DECRYPT'): KmsKey {
    const usages = USAGES[spec];
    if (usages === undefined)
      throw kmsError('UnsupportedOperationException', `The local cloud has no ${spec}`);
    if (!usages.includes(usage))
      throw kmsError('ValidationException', `KeyUsage ${usage} is not compatible with KeySpec ${spec}`);
    const hex = this.#account.random.hex(16);
    const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    const curve = CURVES[spec];
    const key: KmsKey = {
      id,
      arn: arnOf(this.#account, 'kms', `key/${id}`),
      spec,
      usage,
      privateKey: curve === undefined ? undefined : newPrivateKey(curve),
      state: 'Enabled',
    };
    this.#keys.set(id, key);
    return key;
  }

  alias(name: string, keyId: string): void {
    if (!/^alias\/[a-zA-Z0-9/_-]+$/.test(name) || name.startsWith('alias/aws/'))
      throw kmsError('InvalidAliasNameException', 'Alias must start with the prefix "alias/"');
    const arn = arnOf(this.#account, 'kms', name);
    if (this.#aliases.has(name))
      throw kmsError('AlreadyExistsException', `An alias with the name ${arn} already exists`);
    this.#aliases.set(name, this.find(keyId).id);
  }

  /** By id, alias, or the ARN of either. Throws AwsError as KMS does */
  find(name: string): KmsKey {
    const place = arnOf(this.#account, 'kms', '');
    if (name.startsWith('arn:') && !name.startsWith(place))
      throw kmsError('NotFoundException', `Invalid arn ${name.split(':')[3] ?? ''}`);
    const local = name.startsWith(place) ? name.slice(place.length) : name;
    if (local.startsWith('alias/')) {
      const key = this.#keys.get(this.#aliases.get(local) ?? '');
      if (key === undefined) throw kmsError('NotFoundException', `Alias ${place}${local} is not found.`);
      return key;
    }
    // A bare id has no prefix, that of an ARN has one.
    const key = local === name ? this.#keys.get(local) : this.#keys.get(local.replace(/^key\//, ''));
    if (key === undefined)
      throw kmsError('NotFoundException', `Key '${place}key/${local.replace(/^key\//, '')}' does not exist`);
    return key;
  }

  /** A key that may be used. Throws AwsError as KMS does */
  usable(name: string): KmsKey {
    const key = this.find(name);
    if (key.state === 'Disabled') throw kmsError('DisabledException', `${key.arn} is disabled.`);
    if (key.state === 'PendingDeletion')
      throw kmsError('KMSInvalidStateException', `${key.arn} is pending deletion.`);
    return key;
  }
}

/** KMS answers every mistake of its caller with 400. */
export function kmsError(name: string, message: string): AwsError {
  return new AwsError(name, 400, message);
}
