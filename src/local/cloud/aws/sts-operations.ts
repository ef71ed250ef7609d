import * as api from '@aws-sdk/client-sts';
import type { Identities } from '../iam/mod.js';
import type { Account } from './account.js';
import { on } from './bind.js';
import type { BoundOperation } from './http.js';

/** STS: who asks. Tools such as gdk build bucket names and ARNs from the account in the answer. */
export function stsOperations({ id }: Account, identities: Identities, owner: string): BoundOperation[] {
  return [
    on(api.GetCallerIdentity$, (_input: api.GetCallerIdentityRequest, caller = owner) => {
      const { arn, userId } = identities.principal(caller);
      return { Account: id, Arn: arn, UserId: userId };
    }),
  ];
}
