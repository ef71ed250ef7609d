import { join } from '../../disk/mod.js';
import { messageOf } from '../../core/mod.js';
import type { Priority } from '../port.js';
import type { Catalogue, ClosedSegment } from './catalogue.js';
import { isClaimed } from './claims.js';
import type { Counters } from './counters.js';
import type { Finisher } from './finisher.js';
import type { SpoolFolders } from './layout.js';
import type { SpoolSettings } from './options.js';
import type { Receipt } from './receipt.js';
import { readContent } from './segment-content.js';
import { writeWhole } from './write-receipt.js';

export const EVICTED_SUFFIX = '.evict';
const REASON = 'quota: drop-oldest';

export interface EvictorParts {
  readonly settings: SpoolSettings;
  readonly folders: SpoolFolders;
  readonly catalogue: Catalogue;
  readonly counters: Counters;
  readonly finisher: Finisher;
  readonly announce: (state: 'DROPPED', captureIds: readonly string[], reason: string) => void;
}

/** Makes room under `drop-oldest`: the only way in which an acknowledged record goes undelivered, and each is counted. */
export class Evictor {
  readonly #parts: EvictorParts;

  constructor(parts: EvictorParts) {
    this.#parts = parts;
  }

  /** False where every closed segment of the class is being uploaded, or the disk does not let one go. */
  async evictOldest(priority: Priority): Promise<boolean> {
    for (const segment of this.#parts.catalogue.of(priority)) {
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
    const { settings, folders, catalogue, counters, finisher } = this.#parts;
    const { disk } = settings;
    const path = join(folders.closed, name.file);
    const hidden = `${path}${EVICTED_SUFFIX}`;
    const content = readContent(await disk.read(path), name.nonce);
    await disk.rename(path, hidden);
    let taken: boolean;
    try {
      taken = (await isClaimed(disk, folders.root, name.base)) || (await this.#hasReceipt(name.base));
      if (!taken) {
        const captureIds = content.records.map(({ record }) => record.captureId);
        await this.#writeReceipt(name.file, name.base, name.lastSequence, captureIds);
        finisher.evicted({
          base: name.base,
          lastSequence: name.lastSequence,
          finishedMs: settings.clock.wallMs(),
          uploaded: [],
          quarantined: [],
          dropped: captureIds,
          reason: REASON,
        });
        catalogue.delete(name.base);
        counters.drop('quota:drop-oldest', name.records);
        this.#parts.announce('DROPPED', captureIds, REASON);
      }
    } catch (error) {
      await disk.rename(hidden, path);
      throw error;
    }
    if (taken) await disk.rename(hidden, path);
    else await disk.remove(hidden);
    return !taken;
  }

  async #hasReceipt(base: string): Promise<boolean> {
    const { settings, folders } = this.#parts;
    return (await settings.disk.stat(join(folders.done, `${base}.receipt`))) !== undefined;
  }

  async #writeReceipt(
    file: string,
    base: string,
    lastSequence: number,
    captureIds: readonly string[],
  ): Promise<void> {
    const { settings, folders } = this.#parts;
    const receipt: Receipt = {
      v: 1,
      segment: file,
      lastSequence,
      finishedMs: settings.clock.wallMs(),
      objects: [
        {
          key: '',
          sizeBytes: 0,
          sha256: '',
          captureIds: [...captureIds],
          outcome: 'dropped',
          reason: REASON,
        },
      ],
      lostRecords: 0,
    };
    await writeWhole(settings.disk, folders.done, `${base}.receipt`, Buffer.from(JSON.stringify(receipt)));
  }
}
