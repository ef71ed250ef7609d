import { messageOf } from '../../core/mod.js';
import { join } from '../../disk/mod.js';
import type { ClosedSegments } from './closed-segments.js';
import { EVICTED_SUFFIX } from './evictor.js';
import type { Fates } from './fates.js';
import type { FinishedSegments } from './finished-segments.js';
import { scanFrames } from './frame.js';
import type { SpoolFolders } from './layout.js';
import type { SpoolSettings } from './options.js';
import { decodeFooter } from './segment-codec.js';
import { readContent } from './segment-content.js';
import { parseClosedName, type ClosedName } from './segment-name.js';

export interface StartParts {
  readonly settings: SpoolSettings;
  readonly folders: SpoolFolders;
  readonly closed: ClosedSegments;
  readonly finished: FinishedSegments;
  readonly fates: Fates;
}

/** Footers of ten records or so are found in this much of a file's end; a longer one costs a second read. */
const TAIL_BYTES = 16 * 1024;
/** Segments whose capture ids are read in one go; others may keep house between. */
const INDEX_AT_ONCE = 200;

/** Takes in the closed segments by their names, which tell bytes and records; what nobody of ours wrote is left alone. */
export async function findClosed({ settings, folders, finished, closed }: StartParts): Promise<void> {
  const { disk } = settings;
  for (const file of (await disk.list(folders.closed)).sort()) {
    const isHidden = file.endsWith(EVICTED_SUFFIX);
    const name = parseClosedName(isHidden ? file.slice(0, -EVICTED_SUFFIX.length) : file);
    if (name === undefined) settings.log.warn('A file that is no segment is left alone', { file });
    else if (finished.has(name.base)) await disk.remove(join(folders.closed, file));
    else if (!closed.has(name.base)) {
      if (isHidden) await disk.rename(join(folders.closed, file), join(folders.closed, name.file));
      closed.add({ name, sinceMs: settings.clock.monotonicMs() });
    }
  }
}

/** Learns the capture ids of segments found at start. @returns the rest, to be read in the background */
export async function indexSegments(
  parts: StartParts,
  names: readonly ClosedName[],
): Promise<readonly ClosedName[]> {
  const { fates, closed, settings } = parts;
  for (const name of names.slice(0, INDEX_AT_ONCE)) {
    if (fates.isFull) return [];
    if (!closed.has(name.base)) continue;
    try {
      for (const id of await captureIdsOf(parts, name)) fates.queued(id);
    } catch (error) {
      settings.log.warn('A segment could not be read', { file: name.file, cause: messageOf(error) });
    }
  }
  return names.slice(INDEX_AT_ONCE);
}

async function captureIdsOf({ settings, folders }: StartParts, name: ClosedName): Promise<readonly string[]> {
  const path = join(folders.closed, name.file);
  const tail = scanFrames(await settings.disk.read(path, -TAIL_BYTES), name.nonce).frames.at(-1);
  const footer = tail?.type === 'footer' ? decodeFooter(tail.payload) : undefined;
  if (footer !== undefined) return footer.objects.flatMap(({ captureIds }) => captureIds);
  return readContent(await settings.disk.read(path), name.nonce).records.map(
    ({ record }) => record.captureId,
  );
}
