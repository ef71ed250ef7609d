import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { createLogger, ManualClock, SeededRandom, type Logger } from '../../src/core/mod.js';
import {
  MemorySegmentSource,
  Uploader,
  type ObjectStore,
  type UploaderOptions,
  type UploadObject,
} from '../../src/upload/mod.js';

export function uploadObject(index: number, text = `{"record":${index}}\n`): UploadObject {
  const bytes = Buffer.from(text);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const key = `sme-capture/fleet/model/2026/01/02/03/${sha256.slice(0, 32)}.jsonl`;
  const captureIds = [`capture-${index}`];
  return { kind: 'records', key, bytes, sha256, contentType: 'application/x-ndjson', captureIds };
}

/** `count` segments of one object each. */
export function memorySpool(count: number): MemorySegmentSource {
  const source = new MemorySegmentSource();
  for (let index = 0; index < count; index++)
    source.add(`segment-${String(index).padStart(8, '0')}`, [uploadObject(index)]);
  return source;
}

/** Keeps every line, for tests that look for a word, or for a secret that must not be there. */
export function memoryLogger(clock: { wallMs(): number }): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const logger = createLogger(
    (line) => lines.push(line),
    () => clock.wallMs(),
    'debug',
  );
  return { logger, lines };
}

export interface UploaderUnderTest {
  readonly uploader: Uploader;
  readonly clock: ManualClock;
  readonly lines: string[];
}

export function startUploader(
  source: MemorySegmentSource,
  store: ObjectStore,
  options: Partial<UploaderOptions> & { clock?: ManualClock; seed?: number } = {},
): UploaderUnderTest {
  const clock = options.clock ?? new ManualClock();
  const { logger, lines } = memoryLogger(clock);
  const random = new SeededRandom(options.seed ?? 7);
  const uploader = new Uploader({ source, store, random, logger, spreadMs: 0, ...options, clock });
  uploader.start();
  return { uploader, clock, lines };
}

/**
 * Moves a manual clock on in steps while real I/O goes on: a step is only taken when `busy` says that nothing
 * real is under way, or has said so for `patienceMs` (a server that hangs: only a deadline ends that).
 */
export async function runVirtual(
  clock: ManualClock,
  until: () => boolean,
  options: {
    readonly stepMs: number;
    readonly maxMs: number;
    readonly busy?: () => boolean;
    readonly patienceMs?: number;
  },
): Promise<void> {
  const endMs = clock.monotonicMs() + options.maxMs;
  while (!until()) {
    if (clock.monotonicMs() > endMs)
      throw new Error(`Not reached within ${options.maxMs} ms of the test's clock`);
    const begun = performance.now();
    for (let turns = 0; turns < 3; turns++) await turn();
    while (options.busy?.() === true && performance.now() - begun < (options.patienceMs ?? 50)) await turn();
    await clock.advance(options.stepMs);
  }
}
