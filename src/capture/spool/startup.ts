import { join } from '../../disk/mod.js';
import { messageOf } from '../../core/mod.js';
import type { Catalogue } from './catalogue.js';
import type { Counters } from './counters.js';
import { EVICTED_SUFFIX } from './evictor.js';
import type { Finisher } from './finisher.js';
import { scanFrames } from './frame.js';
import type { SpoolFolders } from './layout.js';
import type { SpoolSettings } from './options.js';
import { recoverOpenFile, type RecoveryContext } from './recovery.js';
import { decodeFooter } from './segment-codec.js';
import { readContent } from './segment-content.js';
import { parseClosedName, parseOpenName, type ClosedName, type OpenName } from './segment-name.js';
import type { Statuses } from './statuses.js';

export interface StartParts {
  readonly settings: SpoolSettings;
  readonly folders: SpoolFolders;
  readonly catalogue: Catalogue;
  readonly statuses: Statuses;
  readonly counters: Counters;
  readonly finisher: Finisher;
  readonly recovery: () => RecoveryContext;
}

/** Footers of ten records or so are found in this much of a file's end; a longer one costs a second read. */
const TAIL_BYTES = 16 * 1024;
/** Segments whose capture ids are read before the spool opens; those of the rest follow in the background. */
const INDEX_AT_START = 200;

/**
 * Rebuilds everything from the files. Names alone give bytes and records; what nobody wrote is left alone.
 * @returns segments in `open/` that could not be recovered yet
 */
export async function readFiles(parts: StartParts): Promise<OpenName[]> {
  const { settings, folders, finisher } = parts;
  for (const folder of Object.values(folders) as string[]) await settings.disk.makeFolder(folder);
  await finisher.open();
  await finisher.settle(true);
  await readClosed(parts);
  const left: OpenName[] = [];
  for (const file of (await settings.disk.list(folders.open)).sort()) {
    const name = parseOpenName(file);
    if (!(await recoverOne(parts, file)) && name !== undefined) left.push(name);
  }
  return left;
}

async function readClosed({ settings, folders, finisher, catalogue }: StartParts): Promise<void> {
  const { disk } = settings;
  for (const file of (await disk.list(folders.closed)).sort()) {
    const hidden = file.endsWith(EVICTED_SUFFIX);
    const name = parseClosedName(hidden ? file.slice(0, -EVICTED_SUFFIX.length) : file);
    if (name === undefined) settings.log.warn('A file that is no segment is left alone', { file });
    else if (finisher.isFinished(name.base)) await disk.remove(join(folders.closed, file));
    else if (!catalogue.has(name.base)) {
      if (hidden) await disk.rename(join(folders.closed, file), join(folders.closed, name.file));
      catalogue.add({ name, sinceMs: settings.clock.monotonicMs() });
    }
  }
}

/** False where the disk did not let it be recovered now. */
export async function recoverOne(parts: StartParts, file: string, cutBytes?: number): Promise<boolean> {
  const { settings, folders, catalogue, finisher, statuses, counters } = parts;
  const path = join(folders.open, file);
  try {
    const parsed = parseOpenName(file);
    if (parsed === undefined) {
      if (/^\..*\.tmp$/.test(file)) await settings.disk.remove(path);
      else settings.log.warn('A file that is no segment is left alone', { path });
      return true;
    }
    // Its closed segment is there, or was there and is finished: this is what a kill left of the way there.
    if (catalogue.has(parsed.base) || finisher.isFinished(parsed.base)) {
      await settings.disk.remove(path);
      return true;
    }
    const name = cutBytes === undefined ? parsed : { ...parsed, cutBytes };
    const { name: closed, captureIds, lost } = await recoverOpenFile(parts.recovery(), file, name);
    counters.drop('damaged', lost);
    if (closed !== undefined) catalogue.add({ name: closed, sinceMs: settings.clock.monotonicMs() });
    for (const id of captureIds) statuses.set(id, 'SPOOLED');
    return true;
  } catch (error) {
    settings.log.warn('A segment could not be recovered yet', { path, cause: messageOf(error) });
    return false;
  }
}

/** Learns the capture ids of segments found at start. @returns the rest, to be read in the background */
export async function indexSegments(
  parts: StartParts,
  names: readonly ClosedName[],
): Promise<readonly ClosedName[]> {
  for (const name of names.slice(0, INDEX_AT_START)) {
    if (parts.statuses.full) return [];
    if (!parts.catalogue.has(name.base)) continue;
    try {
      for (const id of await captureIdsOf(parts, name)) {
        if (!parts.statuses.has(id)) parts.statuses.set(id, 'SPOOLED');
      }
    } catch (error) {
      parts.settings.log.warn('A segment could not be read', { file: name.file, cause: messageOf(error) });
    }
  }
  return names.slice(INDEX_AT_START);
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
