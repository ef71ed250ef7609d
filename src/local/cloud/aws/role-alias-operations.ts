import * as api from '@aws-sdk/client-iot';
import { arnOf, type Account } from './account.js';
import { on } from './bind.js';
import type { BoundOperation } from './http.js';
import type { RoleAliases } from './role-aliases.js';

export function roleAliasOperations(account: Account, aliases: RoleAliases): BoundOperation[] {
  return [
    on(
      api.CreateRoleAlias$,
      ({ roleAlias = '', roleArn, credentialDurationSeconds }: api.CreateRoleAliasRequest) => {
        const roleAliasArn = arnOf(account, 'iot', `rolealias/${roleAlias}`);
        const now = new Date(account.clock.wallMs());
        aliases.add(roleAlias, {
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
    on(api.DescribeRoleAlias$, ({ roleAlias = '' }: api.DescribeRoleAliasRequest) => ({
      roleAliasDescription: aliases.get(roleAlias),
    })),
  ];
}
