import { systemRandom } from '../../system/mod.js';
import type { Clock } from '../../core/mod.js';
import type { DeviceCredentials } from '../nucleus/api/mod.js';

/** Keys that one local S3 knows, and how its device gets them through the token exchange. */
export interface LocalCredentials {
  readonly keys: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
  };
  readonly forDevice: () => Promise<DeviceCredentials>;
}

const LIFETIME_MS = 3_600_000;

/** New random keys; those of a device last an hour from each time that it asks. */
export function makeLocalCredentials(clock: Clock): LocalCredentials {
  const keys = {
    accessKeyId: `LOCAL${systemRandom.hex(8).toUpperCase()}`,
    secretAccessKey: systemRandom.hex(20),
    sessionToken: systemRandom.hex(32),
  };
  return {
    keys,
    forDevice: () => Promise.resolve({ ...keys, expiration: new Date(clock.wallMs() + LIFETIME_MS) }),
  };
}
