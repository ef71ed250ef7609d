import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { FloorProcess, median } from '../../examples/floors/mod.js';
import { listClosed, openSegment } from '../../src/capture/mod.js';
import { deferred, silentLogger } from '../../src/core/mod.js';
import { nodeDisk } from '../../src/disk/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { S3ObjectStore, SpoolSegmentSource, Uploader } from '../../src/upload/mod.js';
import { TEST_BUCKET, TEST_CREDENTIALS } from '../lib/s3.js';
import { bytesOf, putClosedSegment, testRecord } from '../lib/spool-fixture.js';
import { atLeast, interleaved, type BenchRow, type Figure } from './figure.js';

const CONCURRENCY = 4;
const ROUNDS = 3;

/** What a device captures: how many segments of how many records of how many bytes. */
interface Load {
  readonly figure: string;
  readonly segments: number;
  readonly records: number;
  readonly tensorBytes: number;
}

// A segment closes at 1 MiB.
const LOADS: readonly Load[] = [
  { figure: 'upload of images, 600 kB each', segments: 48, records: 2, tensorBytes: 602_112 },
  { figure: 'upload of windows, ten of 2.3 kB an object', segments: 24, records: 200, tensorBytes: 2304 },
];

export const uploadRate: BenchRow = {
  name: 'upload-rate',
  about:
    'from closed segments to receipts, beside a loop of bare PutObject with the same objects and concurrency',
  async run(bench) {
    const folder = await mkdtemp(join(tmpdir(), 'edge-bench-upload-'));
    bench.onEnd(() => rm(folder, { recursive: true, force: true }));
    const store = await FloorProcess.start<object, string>('../../test/bench/store-process.js', []);
    bench.onEnd(() => store.close());
    const endpoint = await store.ask({});
    const figures: Figure[] = [];
    for (const [at, load] of LOADS.entries())
      figures.push(await measure(load, endpoint, join(folder, `load-${at}`)));
    return figures;
  },
};

async function measure(load: Load, endpoint: string, folder: string): Promise<Figure> {
  let round = 0;
  const samples = await interleaved(ROUNDS, {
    bare: async () => [await bareLoop(load, endpoint, join(folder, String(round)), round++)],
    uploader: async () => [await uploaderRun(load, endpoint, join(folder, String(round)), round++)],
  });
  const bareMBs = median(samples['bare'] ?? []);
  const uploaderMBs = median(samples['uploader'] ?? []);
  return atLeast(0.9, {
    figure: `${load.figure} / bare PutObject loop`,
    value: uploaderMBs / bareMBs,
    unit: 'x',
    detail: { uploaderMBs, bareMBs, concurrency: CONCURRENCY },
  });
}

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

async function objectsOf(root: string): Promise<{ key: string; bytes: Uint8Array }[]> {
  const objects: { key: string; bytes: Uint8Array }[] = [];
  for (const name of await listClosed(nodeDisk, root)) {
    const segment = await openSegment(nodeDisk, root, name);
    for (const { key, bytes } of segment.objects()) objects.push({ key, bytes });
  }
  return objects;
}

function megabytesPerSecond(objects: readonly { readonly bytes: Uint8Array }[], begunMs: number): number {
  const bytes = objects.reduce((sum, object) => sum + object.bytes.byteLength, 0);
  return bytes / 1e6 / ((performance.now() - begunMs) / 1000);
}

async function bareLoop(load: Load, endpoint: string, root: string, round: number): Promise<number> {
  await makeSpool(load, root, round);
  const objects = await objectsOf(root);
  const client = new S3Client({
    endpoint,
    region: 'eu-west-1',
    forcePathStyle: true,
    credentials: TEST_CREDENTIALS,
  });
  const queue = [...objects];
  const lane = async (): Promise<void> => {
    for (let object = queue.shift(); object !== undefined; object = queue.shift())
      await client.send(new PutObjectCommand({ Bucket: TEST_BUCKET, Key: object.key, Body: object.bytes }));
  };
  const begunMs = performance.now();
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  const rate = megabytesPerSecond(objects, begunMs);
  client.destroy();
  return rate;
}

async function uploaderRun(load: Load, endpoint: string, root: string, round: number): Promise<number> {
  await makeSpool(load, root, round);
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
