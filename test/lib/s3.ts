import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { startLocalS3, type LocalS3, type LocalS3Options } from '../../src/local/cloud/s3/mod.js';

/** Keys that mean nothing outside the test's own server. */
export const TEST_CREDENTIALS = {
  accessKeyId: 'AKIDLOCALTESTS',
  secretAccessKey: 'local-tests-secret',
  sessionToken: 'local-tests-token',
} as const;
export const TEST_BUCKET = 'captures-sagemaker-test';
/** What the nuclei of tests say, too. */
const TEST_REGION = 'eu-west-1';

export interface TestS3 extends AsyncDisposable {
  readonly s3: LocalS3;
  readonly folder: string;
  /** A client of this server; no retries of its own. */
  client(config?: S3ClientConfig): S3Client;
}

/** A local S3 in a new temporary folder with one bucket, both gone when disposed. */
export async function startTestS3(options: Partial<LocalS3Options> = {}): Promise<TestS3> {
  const { region = TEST_REGION } = options;
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 's3-')));
  const s3 = await startLocalS3({
    credentials: [TEST_CREDENTIALS],
    buckets: [TEST_BUCKET],
    ...options,
    folder,
    region,
  });
  const clients: S3Client[] = [];
  return {
    s3,
    folder,
    client: (config = {}) => {
      const client = new S3Client({
        endpoint: s3.endpoint,
        region,
        forcePathStyle: true,
        credentials: TEST_CREDENTIALS,
        maxAttempts: 1,
        ...config,
      });
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.destroy();
      await s3.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
