import { execFile } from 'node:child_process';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { closedName, spoolFolders } from '../../src/capture/mod.js';
import { buildSegment, testRecord } from './spool-fixture.js';

const run = promisify(execFile);
const CHILD = fileURLToPath(new URL('./backlog-child.js', import.meta.url));
/** As the recipe starts the component: young garbage may not grow to tens of megabytes. */
const FLAGS = ['--max-semi-space-size=4'];
/** Each file is stretched to this by a hole. */
const SEGMENT_BYTES = 100_000;
const WRITERS = 8;

/** What one uploader alone in a process did. */
export interface BacklogRun {
  readonly puts: number;
  readonly damaged: number;
  readonly duplicated: number;
  /** From the start of the process; 0 where nothing was put. */
  readonly firstPutMs: number;
  readonly firstKey: string;
  readonly maxRssBytes: number;
  /** From two seconds after the first put; meaningless in a shorter run. */
  readonly bytesPerSecond: number;
}

/** A spool of so many closed segments of one record and 100 kB each, most of that a hole. */
export async function makeBacklog(root: string, segments: number): Promise<void> {
  const { closed, done } = spoolFolders(root);
  await mkdir(closed, { recursive: true });
  await mkdir(done, { recursive: true });
  let last = 0;
  const writer = async (): Promise<void> => {
    while (last < segments) {
      const index = ++last;
      const { name, bytes } = buildSegment([testRecord(index)], index);
      const file = join(closed, closedName(name, 1, name.lastSequence, SEGMENT_BYTES).file);
      await writeFile(file, bytes);
      await truncate(file, SEGMENT_BYTES);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

/** Runs an uploader on that spool, with a store that swallows everything. */
export async function runBacklog(
  root: string,
  { seconds, order = 'oldest-first', cap = 0 }: { seconds: number; order?: string; cap?: number },
): Promise<BacklogRun> {
  const { stdout } = await run(process.execPath, [
    ...FLAGS,
    CHILD,
    root,
    order,
    String(seconds),
    String(cap),
  ]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as BacklogRun;
}
