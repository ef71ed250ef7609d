import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { memoryFiles, nodeFiles } from '../../src/disk/mod.js';
import { systemClock } from '../../src/system/mod.js';
import {
  BothStores,
  DiskObjectStore,
  MemoryObjectStore,
  S3ObjectStore,
  type S3StoreOptions,
} from '../../src/upload/mod.js';
import { objectStoreContract, putRequest, type StoreUnderTest } from '../lib/object-store-contract.js';
import { startTestS3, TEST_BUCKET, TEST_CREDENTIALS } from '../lib/s3.js';

function memory(): StoreUnderTest & { store: MemoryObjectStore } {
  const store = new MemoryObjectStore();
  return {
    store,
    read: async (key) => store.objects.get(key)?.bytes,
    count: async () => store.objects.size,
    damage: async (key) => {
      store.objects.set(key, putRequest(key, 'other'));
    },
    [Symbol.asyncDispose]: async () => store.close(),
  };
}

async function s3(options: Partial<S3StoreOptions> = {}): Promise<StoreUnderTest> {
  const test = await startTestS3();
  const store = new S3ObjectStore({
    bucket: TEST_BUCKET,
    region: 'eu-west-1',
    credentials: async () => TEST_CREDENTIALS,
    clock: systemClock,
    endpoint: test.s3.endpoint,
    forcePathStyle: true,
    ...options,
  });
  return {
    store,
    read: async (key) => await readFile(test.s3.path(TEST_BUCKET, key)),
    count: async () => test.s3.objects(TEST_BUCKET).length,
    damage: async (Key) => {
      await test.client().send(new PutObjectCommand({ Bucket: TEST_BUCKET, Key, Body: 'other' }));
    },
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await test[Symbol.asyncDispose]();
    },
  };
}

async function disk(): Promise<StoreUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'disk-store-'));
  const keys = new Set<string>();
  const store = new DiskObjectStore(folder, {
    ...nodeFiles,
    write: async (path, data, mode) => {
      await nodeFiles.write(path, data, mode);
      keys.add(path);
    },
  });
  return {
    store,
    read: async (key) => await readFile(join(folder, key)),
    count: async () => keys.size,
    damage: async (key) => await writeFile(join(folder, key), 'other'),
    [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true }),
  };
}

async function both(): Promise<StoreUnderTest> {
  const second = memory();
  const content = new Map<string, Uint8Array>();
  const store = new BothStores(new DiskObjectStore('/', memoryFiles(content)), second.store);
  return { ...second, store };
}

objectStoreContract('memory', async () => memory());
objectStoreContract('S3', async () => s3());
objectStoreContract('S3 with KMS', async () => s3({ kmsKeyId: 'alias/captures' }));
objectStoreContract('S3, checksums only when required', async () =>
  s3({ requestChecksumCalculation: 'WHEN_REQUIRED' }),
);
objectStoreContract('disk', disk);
objectStoreContract('disk and store', both);
