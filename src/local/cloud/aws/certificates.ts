import { EdgeError, type JsonObject } from '../../../core/mod.js';
import { parsePolicy, type Identities, type Policy } from '../iam/mod.js';
import type { DeviceCredentials, IotCore } from '../../nucleus/mod.js';
import { arnOf, type Account } from './account.js';
import type { RoleAliases } from './role-aliases.js';

const CREDENTIALS_PROVIDER = 'credentials.iot.amazonaws.com';

/**
 * What devices may do with their certificates: MQTT as far as their IoT policies go, and keys of the role behind a role
 * alias. Without a policy they may do nothing.
 */
export class Certificates {
  readonly #account: Account;
  readonly #identities: Identities;
  readonly #aliases: RoleAliases;
  readonly #policies: Policy[] = [];

  constructor(account: Account, identities: Identities, aliases: RoleAliases) {
    this.#account = account;
    this.#identities = identities;
    this.#aliases = aliases;
  }

  /** An IoT policy for the certificates of all things. */
  attachPolicy(document: JsonObject): void {
    this.#policies.push(parsePolicy(document));
  }

  /** MQTT as one thing's connection has it: what its policies do not allow is refused with AWS_DENIED. */
  mqtt(thing: string, broker: IotCore): IotCore {
    const check = (action: string, resource: string): void => {
      this.#check(thing, `iot:${action}`, arnOf(this.#account, 'iot', resource));
    };
    return {
      publish: async (topic, payload) => {
        check('Publish', `topic/${topic}`);
        await broker.publish(topic, payload);
      },
      subscribe: (filter, listener) => {
        check('Subscribe', `topicfilter/${filter}`);
        return broker.subscribe(filter, (topic, payload) => {
          if (
            this.#refusal(thing, 'iot:Receive', arnOf(this.#account, 'iot', `topic/${topic}`)) === undefined
          )
            listener(topic, payload);
        });
      },
    };
  }

  /** As the credentials provider answers a core device: certificate, role alias, role. @throws EdgeError AWS_DENIED */
  credentials(thing: string, roleAlias: string): DeviceCredentials {
    const alias = arnOf(this.#account, 'iot', `rolealias/${roleAlias}`);
    this.#check(thing, 'iot:AssumeRoleWithCertificate', alias);
    const { roleArn = '' } = this.#aliases.get(roleAlias);
    return this.#identities.assumeRole(
      roleArn.slice(roleArn.lastIndexOf('/') + 1),
      thing,
      CREDENTIALS_PROVIDER,
    );
  }

  #check(thing: string, action: string, resource: string): void {
    const refusal = this.#refusal(thing, action, resource);
    if (refusal !== undefined) throw new EdgeError('AWS_DENIED', refusal);
  }

  #refusal(thing: string, action: string, resource: string): string | undefined {
    const context = { 'iot:connection.thing.thingname': thing, 'iot:connection.thing.isattached': 'true' };
    const principal = arnOf(this.#account, 'iot', `thing/${thing}`);
    return this.#identities.refusalBy(this.#policies, principal, [{ action, resource, context }]);
  }
}
