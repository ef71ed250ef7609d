import type { IoT } from '@aws-sdk/client-iot';
import { orMissing } from '../aws/mod.js';
import type { RoleAliases, RoleAliasRecord } from './role-aliases.js';

export class AwsRoleAliases implements RoleAliases {
  readonly #iot: IoT;

  constructor(iot: IoT) {
    this.#iot = iot;
  }

  async roleAlias(name: string): Promise<RoleAliasRecord | undefined> {
    return orMissing(`Cannot read the role alias ${name}`, async () => {
      const { roleAliasDescription: found } = await this.#iot.describeRoleAlias({ roleAlias: name });
      return { arn: found?.roleAliasArn ?? '', roleArn: found?.roleArn ?? '' };
    });
  }
}
