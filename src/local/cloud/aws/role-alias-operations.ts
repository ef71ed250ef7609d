import * as api from '@aws-sdk/client-iot';
import { arnOf, type Account } from './account.js';
import { on } from './bind.js';
import { AwsError, notFound } from './errors.js';
import type { BoundOperation } from './http.js';

/** Role aliases of the token exchange: kept, and never used for credentials here. */
export function roleAliasOperations(account: Account): BoundOperation[] {
  const aliases = new Map<string, api.RoleAliasDescription>();
  return [
    on(
      api.CreateRoleAlias$,
      ({ roleAlias = '', roleArn, credentialDurationSeconds }: api.CreateRoleAliasRequest) => {
        if (aliases.has(roleAlias))
          throw new AwsError('ResourceAlreadyExistsException', 409, `Role alias ${roleAlias} already exists`);
        const roleAliasArn = arnOf(account, 'iot', `rolealias/${roleAlias}`);
        const now = new Date(account.clock.wallMs());
        aliases.set(roleAlias, {
          roleAlias,
          roleAliasArn,
          roleArn,
          owner: account.id,
          credentialDurationSeconds: credentialDurationSeconds ?? 3600,
          creationDate: now,
          lastModifiedDate: now,
        });
        return { roleAlias, roleAliasArn };
      },
    ),
    on(api.DescribeRoleAlias$, ({ roleAlias = '' }: api.DescribeRoleAliasRequest) => {
      const roleAliasDescription = aliases.get(roleAlias);
      if (roleAliasDescription === undefined) throw notFound('iot', 'Role alias', roleAlias);
      return { roleAliasDescription };
    }),
  ];
}
