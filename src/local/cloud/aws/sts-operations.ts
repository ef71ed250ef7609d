import * as api from '@aws-sdk/client-sts';
import type { Account } from './account.js';
import { on } from './bind.js';
import type { BoundOperation } from './http.js';

/** STS: who asks. Tools such as gdk build bucket names and ARNs from the account in the answer. */
export function stsOperations({ id }: Account): BoundOperation[] {
  return [
    on(api.GetCallerIdentity$, (_input: api.GetCallerIdentityRequest) => ({
      Account: id,
      Arn: `arn:aws:iam::${id}:user/local`,
      UserId: 'AIDALOCALCLOUD',
    })),
  ];
}
