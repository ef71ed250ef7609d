/**
 * One uploader alone in a process, so that its memory and start can be measured.
 * Arguments: spool folder, order, seconds to run, cap in bytes per second (0: none). Prints one JSON object.
 */
import { createHash } from 'node:crypto';
import { silentLogger } from '../../src/core/mod.js';
import { nodeDisk } from '../../src/disk/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import {
  SpoolSegmentSource,
  Uploader,
  type ObjectStore,
  type PutOutcome,
  type PutRequest,
  type UploadOrder,
} from '../../src/upload/mod.js';

const [root = '', order = 'oldest-first', seconds = '5', cap = '0'] = process.argv.slice(2);

class SwallowingStore implements ObjectStore {
  puts = 0;
  bytes = 0;
  damaged = 0;
  firstPutMs = 0;
  firstKey = '';
  readonly keys = new Set<string>();

  put(request: PutRequest): Promise<PutOutcome> {
    if (this.puts++ === 0) {
      this.firstPutMs = performance.now();
      this.firstKey = request.key;
    }
    this.bytes += request.bytes.byteLength;
    if (createHash('sha256').update(request.bytes).digest('base64') !== request.sha256) this.damaged++;
    this.keys.add(request.key);
    return Promise.resolve({ outcome: 'stored' });
  }

  reset(): void {
    // Nothing is kept open.
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const store = new SwallowingStore();
const maxBytesPerSecond = Number(cap);
const uploader = new Uploader({
  source: new SpoolSegmentSource(nodeDisk, root, systemClock),
  store,
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  order: order as UploadOrder,
  spreadMs: 0,
  ...(maxBytesPerSecond === 0 ? {} : { maxBytesPerSecond }),
});
let maxRssBytes = 0;
/** A cap lets what it saved up go at once; the rate is measured from when that has gone. */
const SETTLED_MS = 2000;
let settled: { readonly ms: number; readonly bytes: number } | undefined;
const begun = performance.now();
uploader.start();
while (performance.now() - begun < Number(seconds) * 1000) {
  await systemClock.sleep(20);
  maxRssBytes = Math.max(maxRssBytes, process.memoryUsage.rss());
  if (store.puts > 0 && performance.now() - store.firstPutMs > SETTLED_MS)
    settled ??= { ms: performance.now(), bytes: store.bytes };
}
const settledSeconds = (performance.now() - (settled?.ms ?? 0)) / 1000;
const bytesPerSecond = (store.bytes - (settled?.bytes ?? 0)) / settledSeconds;
await uploader.close();
const { puts, damaged, firstPutMs, firstKey } = store;
const duplicated = puts - store.keys.size;
console.log(JSON.stringify({ puts, damaged, duplicated, firstPutMs, firstKey, maxRssBytes, bytesPerSecond }));
