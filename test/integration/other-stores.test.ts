import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { systemClock, systemRandom } from '../../src/fs/mod.js';
import { S3ObjectStore } from '../../src/upload/mod.js';
import { objectStoreContract, type StoreUnderTest } from '../lib/object-store-contract.js';

const endpoint = process.env['EDGE_MANAGER_TEST_S3_ENDPOINT'];
const credentials = {
  accessKeyId: process.env['EDGE_MANAGER_TEST_S3_ACCESS_KEY_ID'] ?? '',
  secretAccessKey: process.env['EDGE_MANAGER_TEST_S3_SECRET_ACCESS_KEY'] ?? '',
};

/** A bucket of its own on a store that is not ours, such as radosgw. */
async function remote(address: string): Promise<StoreUnderTest> {
  const bucket = `edge-manager-test-${systemRandom.hex(6)}`;
  const client = new S3Client({
    endpoint: address,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const keys = async (): Promise<string[]> => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.map((object) => object.Key ?? '');
  };
  return {
    store: new S3ObjectStore({
      bucket,
      region: 'us-east-1',
      credentials: async () => credentials,
      clock: systemClock,
      endpoint: address,
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    }),
    read: async (Key) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      return await Body?.transformToByteArray();
    },
    count: async () => (await keys()).length,
    damage: async (Key) => {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'other' }));
    },
    [Symbol.asyncDispose]: async () => {
      for (const Key of await keys()) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
      client.destroy();
    },
  };
}

if (endpoint === undefined) {
  describe('ObjectStore contract: a store that is not ours', () => {
    it('skipped: no radosgw or other S3 named by EDGE_MANAGER_TEST_S3_ENDPOINT', function () {
      this.skip();
    });
  });
} else {
  objectStoreContract('a store that is not ours', async () => await remote(endpoint));
}
