import { join, type Disk } from '../../disk/mod.js';
import { sha256Hex } from '../../system/mod.js';
import { renderRecord, type RawFile } from './render-record.js';
import { spoolFolders } from './layout.js';
import type { ObjectLayout, TimeReference } from './object-plan.js';
import { objectsOf, readContent, type SegmentContent } from './segment-content.js';
import { parseClosedName, type ClosedName } from './segment-name.js';

/** An object to store. A record object comes after the raw files that its records refer to. */
export interface SpoolObject {
  readonly kind: 'records' | 'raw';
  readonly key: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** Lower-case hex. */
  readonly sha256: string;
  /** The records inside; none for raw files. */
  readonly captureIds: readonly string[];
}

/** A closed segment, read and checked. */
export interface SegmentReader {
  readonly name: ClosedName;
  readonly records: number;
  /** Records that damage took; they count in the receipt. */
  readonly lostRecords: number;
  /** Renders one object at a time, so that memory holds the segment and one object. */
  objects(): IterableIterator<SpoolObject>;
}

/** What goes before the segment is known: only where header and footer are both damaged. */
const FALLBACK_LAYOUT: ObjectLayout = {
  prefix: 'damaged',
  fleet: 'unknown',
  device: 'unknown',
  batchSize: 10,
  embedLimitBytes: 3072,
  referenceBase: '',
};

/** Closed segments in `root`, most urgent class and oldest first, `newest` first where asked. Names only, nothing is opened. */
export async function listClosed(
  disk: Disk,
  root: string,
  order: 'oldest' | 'newest' = 'oldest',
): Promise<ClosedName[]> {
  const names = (await disk.list(spoolFolders(root).closed)).flatMap((name) => parseClosedName(name) ?? []);
  const rank = { error: 0, outlier: 1, sample: 2 } as const;
  const direction = order === 'oldest' ? 1 : -1;
  return names.sort(
    (a, b) => rank[a.priority] - rank[b.priority] || direction * (a.firstSequence - b.firstSequence),
  );
}

/**
 * Reads a closed segment.
 * @throws NOT_FOUND where the agent has evicted it meanwhile: go on with the next one
 */
export async function openSegment(
  disk: Disk,
  root: string,
  name: ClosedName,
  fallback: ObjectLayout = FALLBACK_LAYOUT,
): Promise<SegmentReader> {
  const content = readContent(await disk.read(join(spoolFolders(root).closed, name.file)), name.nonce);
  return {
    name,
    records: content.records.length,
    lostRecords: Math.max(content.lost, name.records - content.records.length),
    objects: () => renderObjects(content, content.header?.layout ?? fallback),
  };
}

function* renderObjects(content: SegmentContent, layout: ObjectLayout): IterableIterator<SpoolObject> {
  const byOrdinal = new Map(content.records.map((entry) => [entry.ordinal, entry.record]));
  const reference = content.footer?.reference as TimeReference | undefined;
  const sent = new Set<string>();
  for (const { key, ordinals } of objectsOf(content, layout)) {
    const folder = key.slice(0, key.lastIndexOf('/') + 1);
    const lines: string[] = [];
    const captureIds: string[] = [];
    for (const ordinal of ordinals) {
      const record = byOrdinal.get(ordinal);
      if (record === undefined) continue;
      const rendered = renderRecord(record, { layout, folder, reference });
      lines.push(rendered.line);
      captureIds.push(record.captureId);
      for (const file of rendered.files) {
        if (!sent.has(file.key)) yield rawObject(file);
        sent.add(file.key);
      }
    }
    if (lines.length === 0) continue;
    const bytes = Buffer.from(lines.join(''));
    yield {
      kind: 'records',
      key,
      contentType: 'application/x-ndjson',
      bytes,
      sha256: sha256Hex(bytes),
      captureIds,
    };
  }
}

function rawObject({ key, bytes, sha256, contentType }: RawFile): SpoolObject {
  return { kind: 'raw', key, bytes, sha256, contentType, captureIds: [] };
}
