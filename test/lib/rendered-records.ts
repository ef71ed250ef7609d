import { openSegment, type CaptureRecord } from '../../src/capture/mod.js';
import type { JsonObject } from '../../src/core/mod.js';
import { MemoryDisk } from '../../src/disk/mod.js';
import { putClosedSegment } from './spool-fixture.js';

/** The lines that records become in the store, as readers parse them. */
export async function renderedLines(records: readonly CaptureRecord[]): Promise<JsonObject[]> {
  const disk = new MemoryDisk();
  const segment = await openSegment(disk, '/spool', await putClosedSegment(disk, '/spool', records));
  return [...segment.objects()]
    .filter(({ kind }) => kind === 'records')
    .flatMap(({ bytes }) => Buffer.from(bytes).toString().trim().split('\n'))
    .map((line) => JSON.parse(line) as JsonObject);
}
