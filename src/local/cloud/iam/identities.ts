import { EdgeError, type Clock, type JsonObject } from '../../../core/mod.js';
import { systemRandom } from '../../../system/mod.js';
import { evaluate, trusts, type Need } from './evaluate.js';
import { parsePolicy, type Policy } from './policy.js';

/** Keys that sign requests; with `sessionToken` requests must carry it. */
export interface AccessKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export interface SessionKeys extends AccessKeys {
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** Whoever a key stands for. */
export interface Principal {
  readonly arn: string;
  readonly userId: string;
  readonly policies: () => readonly Policy[];
}

interface Role {
  readonly name: string;
  readonly arn: string;
  readonly trust: Policy;
  readonly policies: Map<string, Policy>;
}

interface Known {
  readonly keys: AccessKeys;
  readonly principal: Principal;
}

/** Everything on everything: an account's administrator. */
export const ADMINISTRATOR: JsonObject = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};

const LIFETIME_MS = 3_600_000;

/** Hears of each right that somebody needed, whether he had it or not. */
export type NeedListener = (principal: string, need: Need) => void;

export interface IdentitiesOptions {
  readonly id: string;
  readonly partition: string;
  readonly clock: Clock;
  readonly onNeed?: NeedListener | undefined;
}

/** IAM's part of one account: users and roles with their policies, and the keys that stand for them. */
export class Identities {
  readonly #account: IdentitiesOptions;
  readonly #byKey = new Map<string, Known>();
  readonly #roles = new Map<string, Role>();

  constructor(account: IdentitiesOptions) {
    this.#account = account;
  }

  /** A new user with keys of its own and these policies. */
  createUser(name: string, documents: readonly JsonObject[]): AccessKeys {
    const policies = documents.map((document) => parsePolicy(document));
    const keys = { accessKeyId: keyId('AKIA'), secretAccessKey: systemRandom.hex(20) };
    this.#byKey.set(keys.accessKeyId, {
      keys,
      principal: { arn: this.#arn(`user/${name}`), userId: keyId('AIDA'), policies: () => policies },
    });
    return keys;
  }

  /** @returns the role's ARN */
  createRole(name: string, trust: JsonObject): string {
    const arn = this.#arn(`role/${name}`);
    this.#roles.set(name, { name, arn, trust: parsePolicy(trust, 'trust'), policies: new Map() });
    return arn;
  }

  putRolePolicy(role: string, policyName: string, document: JsonObject): void {
    this.#role(role).policies.set(policyName, parsePolicy(document));
  }

  /** Temporary keys of a role for a service that its trust policy names, for an hour. @throws EdgeError AWS_DENIED */
  assumeRole(name: string, session: string, service: string): SessionKeys {
    const role = this.#role(name);
    if (!trusts(role.trust, service, 'sts:AssumeRole')) {
      throw new EdgeError(
        'AWS_DENIED',
        `Cannot assume the role ${name}: its trust policy does not name ${service}`,
      );
    }
    this.#forgetExpired();
    const keys = {
      accessKeyId: keyId('ASIA'),
      secretAccessKey: systemRandom.hex(20),
      sessionToken: systemRandom.hex(64),
      expiration: new Date(this.#account.clock.wallMs() + LIFETIME_MS),
    };
    const { id, partition } = this.#account;
    const arn = `arn:${partition}:sts::${id}:assumed-role/${name}/${session}`;
    const principal = {
      arn,
      userId: `${keyId('AROA')}:${session}`,
      policies: () => [...role.policies.values()],
    };
    this.#byKey.set(keys.accessKeyId, { keys, principal });
    return keys;
  }

  keys(accessKeyId: string): AccessKeys | undefined {
    return this.#byKey.get(accessKeyId)?.keys;
  }

  principal(accessKeyId: string): Principal {
    const known = this.#byKey.get(accessKeyId);
    if (known === undefined) throw new EdgeError('INTERNAL', `Nobody has the key ${accessKeyId}`);
    return known.principal;
  }

  /** Why a key may not do one of these; undefined where it may do all. */
  refusal(accessKeyId: string, needs: readonly Need[]): string | undefined {
    const { arn, policies } = this.principal(accessKeyId);
    return this.refusalBy(policies(), arn, needs);
  }

  /** The same for whoever has no keys: a certificate with its policies. */
  refusalBy(policies: readonly Policy[], principal: string, needs: readonly Need[]): string | undefined {
    for (const need of needs) {
      this.#account.onNeed?.(principal, need);
      const decision = evaluate(policies, need);
      if (decision !== 'allowed') return refusalOf(principal, need, decision);
    }
    return undefined;
  }

  #role(name: string): Role {
    const role = this.#roles.get(name);
    if (role === undefined) throw new EdgeError('AWS_NOT_FOUND', `Cannot find the role ${name}`);
    return role;
  }

  #arn(resource: string): string {
    return `arn:${this.#account.partition}:iam::${this.#account.id}:${resource}`;
  }

  /** Some time after their end: until then an expired key is told from an unknown one. */
  #forgetExpired(): void {
    const before = this.#account.clock.wallMs() - LIFETIME_MS;
    for (const [id, { keys }] of this.#byKey)
      if (keys.expiration !== undefined && keys.expiration.getTime() < before) this.#byKey.delete(id);
  }
}

/** AWS's sentence, which names the action that is missing. */
export function refusalOf(principal: string, { action, resource }: Need, decision: string): string {
  const why =
    decision === 'explicit deny'
      ? 'with an explicit deny in an identity-based policy'
      : `because no identity-based policy allows the ${action} action`;
  return `User: ${principal} is not authorized to perform: ${action} on resource: ${resource} ${why}`;
}

function keyId(prefix: string): string {
  return `${prefix}${systemRandom.hex(8).toUpperCase()}`;
}
