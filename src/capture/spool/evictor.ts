import { checkedJson, messageOf } from '../../core/mod.js';
import { join } from '../../disk/mod.js';
import type { Priority } from '../captured/priority.js';
import { isClaimed } from './claims.js';
import type { ClosedSegment, ClosedSegments } from './closed-segments.js';
import type { Fates } from './fates.js';
import type { FinishedSegments } from './finished-segments.js';
import type { SpoolFolders } from './layout.js';
import type { SpoolSettings } from './options.js';
import { Receipt, segmentOfReceipt } from './receipt.js';
import { readContent, type SegmentContent } from './segment-content.js';
import type { ClosedName } from './segment-name.js';
import { writeWhole } from './write-receipt.js';

export const EVICTED_SUFFIX = '.evict';
const REASON = 'quota: drop-oldest';

export interface EvictorParts {
  readonly settings: SpoolSettings;
  readonly folders: SpoolFolders;
  readonly closed: ClosedSegments;
  readonly finished: FinishedSegments;
  readonly fates: Fates;
}

/** Makes room under `drop-oldest`: the only way in which an acknowledged record goes undelivered, and each is counted. */
export class Evictor {
  readonly #parts: EvictorParts;

  constructor(parts: EvictorParts) {
    this.#parts = parts;
  }

  /** False where every closed segment of the class is being uploaded, or the disk does not let one go. */
  async evictOldest(priority: Priority): Promise<boolean> {
    for (const segment of this.#parts.closed.of(priority)) {
      try {
        if (await this.#evict(segment)) return true;
      } catch (error) {
        this.#parts.settings.log.warn('A segment could not be evicted', {
          segment: segment.name.file,
          cause: messageOf(error),
        });
        return false;
      }
    }
    return false;
  }

  /** Takes the name away, then looks for a claim or a receipt: see claims.ts. The receipt is durable before the bytes go. */
  async #evict({ name }: ClosedSegment): Promise<boolean> {
    const { settings, folders } = this.#parts;
    const { disk } = settings;
    const path = join(folders.closed, name.file);
    const hidden = `${path}${EVICTED_SUFFIX}`;
    const content = readContent(await disk.read(path), name.nonce);
    await disk.rename(path, hidden);
    let isTaken: boolean;
    try {
      isTaken = (await isClaimed(disk, folders.root, name.base)) || (await this.#hasReceipt(name.base));
      if (!isTaken) await this.#drop(name, content);
    } catch (error) {
      await disk.rename(hidden, path);
      throw error;
    }
    if (isTaken) await disk.rename(hidden, path);
    else await disk.remove(hidden);
    return !isTaken;
  }

  async #drop(name: ClosedName, content: SegmentContent): Promise<void> {
    const { settings, folders, closed, finished, fates } = this.#parts;
    const captureIds = content.records.map(({ record }) => record.captureId);
    const lostRecords = Math.max(0, name.records - captureIds.length);
    const finishedMs = settings.clock.wallMs();
    const receipt = evictionReceipt(name, finishedMs, captureIds, lostRecords);
    const file = `${name.base}.receipt`;
    await writeWhole(
      settings.disk,
      folders.done,
      file,
      Buffer.from(checkedJson(Receipt, receipt, 'Cannot write a receipt')),
    );
    const segment = segmentOfReceipt(name.base, receipt);
    finished.add(segment, file);
    closed.delete(name.base);
    fates.finished(segment);
  }

  async #hasReceipt(base: string): Promise<boolean> {
    const { settings, folders } = this.#parts;
    return (await settings.disk.stat(join(folders.done, `${base}.receipt`))) !== undefined;
  }
}

function evictionReceipt(
  { file, lastSequence }: ClosedName,
  finishedMs: number,
  captureIds: string[],
  lostRecords: number,
): Receipt {
  const outcome = 'dropped' as const;
  return {
    v: 1,
    segment: file,
    lastSequence,
    finishedMs,
    objects: [{ key: '', sizeBytes: 0, sha256: '', captureIds, outcome, reason: REASON }],
    lostRecords,
  };
}
