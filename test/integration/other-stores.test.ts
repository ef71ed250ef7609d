import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { silentLogger } from '../../src/core/mod.js';
import { nodeDisk } from '../../src/disk/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { S3ObjectStore, SpoolSegmentSource, Uploader } from '../../src/upload/mod.js';
import { objectStoreContract, type StoreUnderTest } from '../lib/object-store-contract.js';
import { CLEAN, judge, recordsIn } from '../lib/oracle.js';
import { Radosgw, radosgwAbsence } from '../lib/radosgw.js';
import { bytesOf, testRecord } from '../lib/spool-fixture.js';
import { openDiskSpool } from '../lib/spools.js';
import { until } from '../lib/until.js';

/** A store that is not ours. */
interface Remote {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A bucket of its own there. */
class RemoteBucket implements StoreUnderTest {
  readonly store: S3ObjectStore;
  readonly #bucket = `edge-manager-test-${systemRandom.hex(6)}`;
  readonly #client: S3Client;

  private constructor({ endpoint, credentials }: Remote) {
    const common = {
      region: 'us-east-1',
      endpoint,
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED' as const,
    };
    this.#client = new S3Client({ ...common, credentials });
    this.store = new S3ObjectStore({
      ...common,
      bucket: this.#bucket,
      credentials: async () => credentials,
      clock: systemClock,
    });
  }

  static async create(remote: Remote): Promise<RemoteBucket> {
    const made = new RemoteBucket(remote);
    await made.#client.send(new CreateBucketCommand({ Bucket: made.#bucket }));
    return made;
  }

  async keys(): Promise<string[]> {
    const { Contents = [] } = await this.#client.send(new ListObjectsV2Command({ Bucket: this.#bucket }));
    return Contents.map((object) => object.Key ?? '');
  }

  async read(Key: string): Promise<Uint8Array | undefined> {
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key }));
    return await Body?.transformToByteArray();
  }

  async count(): Promise<number> {
    return (await this.keys()).length;
  }

  async damage(Key: string): Promise<void> {
    await this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key, Body: 'other' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const Key of await this.keys())
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key }));
    this.#client.destroy();
  }
}

describe('a store that is not ours', function () {
  let remote: Remote | undefined;
  let gateway: Radosgw | undefined;

  before(async function () {
    const endpoint = process.env['EDGE_MANAGER_TEST_S3_ENDPOINT'];
    if (endpoint !== undefined) {
      const accessKeyId = process.env['EDGE_MANAGER_TEST_S3_ACCESS_KEY_ID'] ?? '';
      const secretAccessKey = process.env['EDGE_MANAGER_TEST_S3_SECRET_ACCESS_KEY'] ?? '';
      remote = { endpoint, credentials: { accessKeyId, secretAccessKey } };
      return;
    }
    const absence = radosgwAbsence();
    if (absence !== undefined) {
      console.log(`    skipped: ${absence}, and EDGE_MANAGER_TEST_S3_ENDPOINT names no other store`);
      this.skip();
    }
    gateway = await Radosgw.start();
    remote = gateway;
  });
  after(async () => await gateway?.[Symbol.asyncDispose]());

  const bucket = async (): Promise<RemoteBucket> => {
    assert.ok(remote !== undefined);
    return await RemoteBucket.create(remote);
  };

  objectStoreContract('a bucket there', bucket);

  it('takes captured records from the spool, each once, and all bytes come back', async () => {
    await using there = await bucket();
    const root = await mkdtemp(join(tmpdir(), 'edge-remote-'));
    try {
      await using spool = await openDiskSpool(root, { pushPeriodMs: 100 });
      // Every fourth is too large to be embedded.
      const record = (number: number): ReturnType<typeof testRecord> => {
        const data = bytesOf(number, number % 4 === 0 ? 5000 : 50);
        const input = { name: 'input', datatype: 'UINT8' as const, shape: [data.byteLength], data };
        return testRecord(number, { inputs: [input] });
      };
      const acked: string[] = [];
      for (let number = 0; number < 40; number++) {
        const one = record(number);
        if ((await spool.append(one)).outcome === 'spooled') acked.push(one.captureId);
      }
      const uploader = new Uploader({
        source: new SpoolSegmentSource(nodeDisk, root, systemClock),
        store: there.store,
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        spreadMs: 0,
        scanPeriodMs: 200,
        onReceipt: () => void spool.reconcile(),
      });
      uploader.start();
      await until(() => acked.every((id) => spool.status(id).state === 'UPLOADED'), 'all are uploaded');
      await uploader.close();
      const objects = await Promise.all(
        (await there.keys()).map(async (key) => ({ key, bytes: (await there.read(key)) ?? Buffer.alloc(0) })),
      );
      const issued = (id: string): ReturnType<typeof record> => record(Number(id.split('-')[1]));
      assert.deepEqual(judge({ issued, acked, delivered: recordsIn(objects) }), CLEAN);
      assert.equal(acked.length, 40);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});
