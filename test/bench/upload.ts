import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { FloorProcess } from '../../examples/floors/mod.js';
import { listClosed, openSegment } from '../../src/capture/mod.js';
import { deferred, silentLogger } from '../../src/core/mod.js';
import { nodeDisk } from '../../src/disk/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { S3ObjectStore, SpoolSegmentSource, Uploader } from '../../src/upload/mod.js';
import { TEST_BUCKET, TEST_CREDENTIALS } from '../lib/s3.js';
import { bytesOf, putClosedSegment, testRecord } from '../lib/spool-fixture.js';
import { alternate, paired, type Figure, type Round } from './judge/mod.js';
import type { Bench, BenchRow } from './row.js';

const CONCURRENCY = 4;
const ROUNDS = 7;

/** What a device captures: how many segments of how many records of how many bytes. */
interface Load {
  readonly figure: string;
  readonly segments: number;
  readonly records: number;
  readonly tensorBytes: number;
}

// A segment closes at 1 MiB.
const LOADS: readonly Load[] = [
  { figure: 'upload of 600 kB objects', segments: 24, records: 2, tensorBytes: 602_112 },
  { figure: 'upload of ten windows of 2.3 kB an object', segments: 12, records: 200, tensorBytes: 2304 },
];

export const uploadRate: BenchRow = {
  name: 'upload-rate',
  about:
    'from closed segments to receipts, beside loops of PutObject with the same objects and concurrency: one with the same hash of each object and one fsync a segment, one that only puts',
  async run(bench) {
    const folder = await bench.folder('upload');
    const store = await FloorProcess.start<object, string>('../../test/bench/store-process.js', []);
    bench.onEnd(() => store.close());
    const endpoint = await store.ask({});
    const figures: Figure[] = [];
    for (const [at, whole] of LOADS.entries()) {
      const load = { ...whole, segments: bench.share(whole.segments, 2) };
      const rounds = await measure(bench, load, endpoint, join(folder, `load-${at}`));
      figures.push(...figuresOf(load, rounds));
    }
    return figures;
  },
};

type Rates = Round<'put' | 'hashAndPut' | 'uploader'>;

async function measure(bench: Bench, load: Load, endpoint: string, folder: string): Promise<Rates[]> {
  let made = 0;
  const run = (way: Way) => async (): Promise<readonly number[]> => {
    const number = made++;
    const root = join(folder, String(number));
    await makeSpool(load, root, number);
    const rate = await way(load, endpoint, root);
    await rm(root, { recursive: true });
    return [rate];
  };
  return await alternate(bench.share(ROUNDS, 2), {
    put: run(putLoop),
    hashAndPut: run(hashAndPutLoop),
    uploader: run(uploaderRun),
  });
}

function figuresOf(load: Load, rounds: readonly Rates[]): Figure[] {
  const detail = { concurrency: CONCURRENCY };
  return [
    paired(
      { atLeast: 0.95 },
      {
        figure: `${load.figure}, MB/s / PutObject with hash and fsync`,
        unit: 'x',
        rounds,
        floors: ['hashAndPut'],
        of: (round) => round.uploader / round.hashAndPut,
        detail,
      },
    ),
    paired(
      { atLeast: 0.85 },
      {
        figure: `${load.figure}, MB/s / bare PutObject`,
        unit: 'x',
        rounds,
        floors: ['put'],
        of: (round) => round.uploader / round.put,
        detail,
      },
    ),
  ];
}

/** @returns megabytes a second */
type Way = (load: Load, endpoint: string, root: string) => Promise<number>;

/** Writes closed segments, different ones in each round: the same ones would have the same keys. */
async function makeSpool(load: Load, root: string, round: number): Promise<void> {
  for (let segment = 0; segment < load.segments; segment++) {
    const first = (round * load.segments + segment) * load.records + 1;
    const records = Array.from({ length: load.records }, (_, index) => {
      const data = bytesOf(first + index, load.tensorBytes);
      const input = { name: 'input', datatype: 'UINT8' as const, shape: [load.tensorBytes], data };
      return testRecord(first + index, { inputs: [input] });
    });
    await putClosedSegment(nodeDisk, root, records, first);
  }
}

interface Item {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** The last object of its segment. */
  readonly last: boolean;
}

async function objectsOf(root: string): Promise<Item[]> {
  const objects: Item[] = [];
  for (const name of await listClosed(nodeDisk, root)) {
    const segment = await openSegment(nodeDisk, root, name);
    const own = [...segment.objects()];
    own.forEach(({ key, bytes }, at) => objects.push({ key, bytes, last: at === own.length - 1 }));
  }
  return objects;
}

function megabytesPerSecond(objects: readonly Item[], begunMs: number): number {
  const bytes = objects.reduce((sum, object) => sum + object.bytes.byteLength, 0);
  return bytes / 1e6 / ((performance.now() - begunMs) / 1000);
}

const putLoop: Way = (_load, endpoint, root) =>
  putAll(endpoint, root, async (client, { key, bytes }) => {
    await client.send(new PutObjectCommand({ Bucket: TEST_BUCKET, Key: key, Body: bytes }));
  });

const hashAndPutLoop: Way = (_load, endpoint, root) =>
  putAll(endpoint, root, async (client, { key, bytes, last }, at) => {
    const ChecksumSHA256 = createHash('sha256').update(bytes).digest('base64');
    await client.send(new PutObjectCommand({ Bucket: TEST_BUCKET, Key: key, Body: bytes, ChecksumSHA256 }));
    if (!last) return;
    const receipt = await open(join(root, `${at}.receipt`), 'wx');
    await receipt.writeFile(JSON.stringify({ key, ChecksumSHA256 }));
    await receipt.sync();
    await receipt.close();
  });

async function putAll(
  endpoint: string,
  root: string,
  put: (client: S3Client, item: Item, at: number) => Promise<void>,
): Promise<number> {
  const objects = await objectsOf(root);
  const client = new S3Client({
    endpoint,
    region: 'eu-west-1',
    forcePathStyle: true,
    credentials: TEST_CREDENTIALS,
  });
  const queue = [...objects.entries()];
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      await put(client, next[1], next[0]);
  };
  const begunMs = performance.now();
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  const rate = megabytesPerSecond(objects, begunMs);
  client.destroy();
  return rate;
}

async function uploaderRun(load: Load, endpoint: string, root: string): Promise<number> {
  const objects = await objectsOf(root);
  await using store = new S3ObjectStore({
    bucket: TEST_BUCKET,
    region: 'eu-west-1',
    credentials: async () => TEST_CREDENTIALS,
    clock: systemClock,
    endpoint,
    forcePathStyle: true,
  });
  const finished = deferred<undefined>();
  let receipts = 0;
  const uploader = new Uploader({
    source: new SpoolSegmentSource(nodeDisk, root, systemClock),
    store,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    spreadMs: 0,
    maxConcurrency: CONCURRENCY,
    onReceipt: () => {
      receipts += 1;
      if (receipts === load.segments) finished.resolve(undefined);
    },
  });
  const begunMs = performance.now();
  uploader.start();
  await finished.promise;
  const rate = megabytesPerSecond(objects, begunMs);
  await uploader.close();
  return rate;
}
