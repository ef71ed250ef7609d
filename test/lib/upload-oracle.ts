import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { systemClock } from '../../src/system/mod.js';
import type { LocalS3 } from '../../src/local/cloud/s3/mod.js';
import {
  S3ObjectStore,
  type MemoryObjectStore,
  type MemorySegmentSource,
  type ObjectStore,
  type PutOutcome,
  type PutRequest,
  type S3StoreOptions,
} from '../../src/upload/mod.js';
import { TEST_BUCKET, TEST_CREDENTIALS } from './s3.js';

export interface Verdict {
  readonly lost: number;
  readonly duplicated: number;
  readonly corrupt: number;
}

/** Compares what lies in a store with what the spool held: every record once, every byte equal, nothing else. */
async function judge(
  source: MemorySegmentSource,
  keys: readonly string[],
  read: (key: string) => Promise<Uint8Array>,
): Promise<Verdict> {
  const wanted = new Map([...source.segments.values()].flat().map((object) => [object.key, object]));
  const delivered = new Map<string, number>();
  let corrupt = 0;
  for (const key of keys) {
    const object = wanted.get(key);
    if (object === undefined || Buffer.compare(await read(key), object.bytes) !== 0) corrupt++;
    for (const id of object?.captureIds ?? []) delivered.set(id, (delivered.get(id) ?? 0) + 1);
  }
  const issued = [...wanted.values()].flatMap((object) => object.captureIds);
  const lost = issued.filter((id) => !delivered.has(id)).length;
  const duplicated = [...delivered.values()].reduce((sum, times) => sum + times - 1, 0);
  return { lost, duplicated, corrupt };
}

export async function judgeMemory(source: MemorySegmentSource, store: MemoryObjectStore): Promise<Verdict> {
  return await judge(
    source,
    [...store.objects.keys()],
    async (key) => store.objects.get(key)?.bytes ?? Buffer.alloc(0),
  );
}

export async function judgeS3(source: MemorySegmentSource, s3: LocalS3): Promise<Verdict> {
  const keys = s3.objects(TEST_BUCKET).map((object) => object.key);
  return await judge(source, keys, async (key) => await readFile(s3.path(TEST_BUCKET, key)));
}

/** Receipts that say `delivered` for what does not lie in the store as it was sent. The most serious failure. */
export function falseReceipts(source: MemorySegmentSource, s3: LocalS3): number {
  const there = new Set(s3.objects(TEST_BUCKET).map((object) => object.key));
  let count = 0;
  for (const [segment, receipt] of source.receipts) {
    for (const object of receipt) {
      const sent = source.segments.get(segment)?.find((one) => one.key === object.key);
      const equal =
        there.has(object.key) &&
        sent !== undefined &&
        readFileSync(s3.path(TEST_BUCKET, object.key)).equals(sent.bytes);
      if (object.result === 'delivered' && !equal) count++;
    }
  }
  return count;
}

export function clean(verdict: Verdict): void {
  assert.deepEqual(verdict, { lost: 0, duplicated: 0, corrupt: 0 });
}

/** An S3 store that tells how many puts are really under way. */
export class WatchedStore implements ObjectStore {
  readonly #store: S3ObjectStore;
  busy = 0;

  constructor(s3: Pick<LocalS3, 'endpoint'>, options: Partial<S3StoreOptions> = {}) {
    this.#store = new S3ObjectStore({
      bucket: TEST_BUCKET,
      region: 'eu-west-1',
      credentials: async () => TEST_CREDENTIALS,
      clock: systemClock,
      endpoint: s3.endpoint,
      forcePathStyle: true,
      ...options,
    });
  }

  async put(request: PutRequest, signal: AbortSignal): Promise<PutOutcome> {
    this.busy++;
    try {
      return await this.#store.put(request, signal);
    } finally {
      this.busy--;
    }
  }

  reset(): void {
    this.#store.reset();
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
