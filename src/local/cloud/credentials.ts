import { systemRandom } from '../../system/mod.js';
import type { Clock, JsonObject } from '../../core/mod.js';
import type { DeviceCredentials } from '../nucleus/api/mod.js';
import { ADMINISTRATOR, evaluate, parsePolicy, refusalOf, type Need } from './iam/mod.js';

/** Keys that one local S3 knows, and how its device gets them through the token exchange. */
export interface LocalCredentials {
  readonly keys: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
  };
  readonly forDevice: () => Promise<DeviceCredentials>;
  /** For the S3: why these keys may not do it; undefined where they may, and for the keys of others. */
  readonly refusal: (accessKeyId: string, needs: readonly Need[]) => string | undefined;
}

const LIFETIME_MS = 3_600_000;

/**
 * New random keys; those of a device last an hour from each time that it asks.
 * @param policy of the role that they stand for. Default: everything
 */
export function makeLocalCredentials(clock: Clock, policy: JsonObject = ADMINISTRATOR): LocalCredentials {
  const policies = [parsePolicy(policy)];
  const keys = {
    accessKeyId: `LOCAL${systemRandom.hex(8).toUpperCase()}`,
    secretAccessKey: systemRandom.hex(20),
    sessionToken: systemRandom.hex(32),
  };
  return {
    keys,
    refusal: (accessKeyId, needs) => {
      if (accessKeyId !== keys.accessKeyId) return undefined;
      for (const need of needs) {
        const decision = evaluate(policies, need);
        if (decision !== 'allowed') return refusalOf('the role of the device', need, decision);
      }
      return undefined;
    },
    forDevice: () => Promise.resolve({ ...keys, expiration: new Date(clock.wallMs() + LIFETIME_MS) }),
  };
}
