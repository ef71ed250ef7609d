import type { S3Credentials } from '../../src/local/cloud/s3/mod.js';

/** The keys that an exchange process of this name hands out. */
export function exchangeKeys(name: string): S3Credentials {
  return { accessKeyId: `AKID${name}`, secretAccessKey: `secret-${name}`, sessionToken: `session-${name}` };
}
