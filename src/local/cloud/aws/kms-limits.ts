import * as api from '@aws-sdk/client-kms';
import type { Limit, MemberLimits, ServiceLimits } from './limits.js';

const keyName: Limit = { min: 1, max: 2048 };
const grants: MemberLimits = { GrantTokens: { max: 10 }, 'GrantTokens[]': { min: 1, max: 8192 } };
const oneOf = (values: Readonly<Record<string, string>>): Limit => ({ oneOf: Object.values(values) });

/** What KMS refuses before it looks at anything, by operation. A test holds it against AWS's own model. */
export const KMS_LIMITS: ServiceLimits = {
  CreateKey: {
    Policy: { min: 1, max: 131_072, pattern: /^[\t\n\r\u0020-\u00ff]+$/ },
    Description: { max: 8192 },
    KeyUsage: oneOf(api.KeyUsageType),
    CustomerMasterKeySpec: oneOf(api.CustomerMasterKeySpec),
    KeySpec: oneOf(api.KeySpec),
    Origin: oneOf(api.OriginType),
    CustomKeyStoreId: { min: 1, max: 64 },
    'Tags[].TagKey': { min: 1, max: 128 },
    'Tags[].TagValue': { max: 256 },
    XksKeyId: { min: 1, max: 128, pattern: /^[a-zA-Z0-9-_.]+$/ },
  },
  CreateAlias: { AliasName: { min: 1, max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ }, TargetKeyId: keyName },
  DisableKey: { KeyId: keyName },
  GetPublicKey: { KeyId: keyName, ...grants },
  ScheduleKeyDeletion: { KeyId: keyName, PendingWindowInDays: { min: 1, max: 365 } },
  Sign: {
    KeyId: keyName,
    MessageType: oneOf(api.MessageType),
    SigningAlgorithm: oneOf(api.SigningAlgorithmSpec),
    ...grants,
  },
};
