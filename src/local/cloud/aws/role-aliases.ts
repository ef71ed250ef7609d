import type { RoleAliasDescription } from '@aws-sdk/client-iot';
import { AwsError, notFound } from './errors.js';

/** Role aliases of the token exchange. */
export class RoleAliases {
  readonly #byName = new Map<string, RoleAliasDescription>();

  add(name: string, description: RoleAliasDescription): void {
    if (this.#byName.has(name))
      throw new AwsError('ResourceAlreadyExistsException', 409, `Role alias ${name} already exists`);
    this.#byName.set(name, description);
  }

  get(name: string): RoleAliasDescription {
    const found = this.#byName.get(name);
    if (found === undefined) throw notFound('iot', 'Role alias', name);
    return found;
  }
}
