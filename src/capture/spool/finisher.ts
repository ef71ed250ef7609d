import { join } from '../../disk/mod.js';
import { messageOf, validate } from '../../core/mod.js';
import type { Catalogue } from './catalogue.js';
import type { Counters } from './counters.js';
import { readHistory, writeHistory, type FinishedSegment } from './history.js';
import type { SpoolFolders } from './layout.js';
import type { SpoolSettings } from './options.js';
import type { Quarantine } from './quarantine.js';
import { Receipt } from './receipt.js';
import { decoded } from './segment-codec.js';
import { readContent } from './segment-content.js';
import { parseClosedName, parseReceiptName, type ClosedName } from './segment-name.js';
import type { Statuses } from './statuses.js';

/** Receipts that wait before they are put together in one history file. */
const COMPACT_AT = 64;

/** Beyond this the oldest goes whatever the clock says: memory and disk are bounded. */
const MAX_HISTORY_FILES = 1000;

interface HistoryEntry {
  readonly name: string;
  readonly newestMs: number;
  readonly bases: readonly string[];
}

export interface FinisherParts {
  readonly settings: SpoolSettings;
  readonly folders: SpoolFolders;
  readonly catalogue: Catalogue;
  readonly statuses: Statuses;
  readonly counters: Counters;
  readonly quarantine: Quarantine;
  readonly announce: (
    state: 'UPLOADED' | 'DROPPED' | 'QUARANTINED',
    captureIds: readonly string[],
    reason?: string,
  ) => void;
}

/** Reads what the uploader wrote in `done/`, deletes finished segments, remembers the fate of their records. */
export class Finisher {
  readonly #parts: FinisherParts;
  /**
   * Finished segments whose receipts still are files of their own. None of them stands in a history file: such a
   * file is named for its newest segment, so a second one for the same would take the first one's place.
   */
  readonly #fresh = new Map<string, FinishedSegment>();
  /** All that are known to be finished: what is left of them is deleted, never uploaded again. */
  readonly #finished = new Set<string>();
  #historyFiles: HistoryEntry[] = [];
  #lastSequence = 0;

  constructor(parts: FinisherParts) {
    this.#parts = parts;
  }

  /** Highest sequence number of a finished segment. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  isFinished(base: string): boolean {
    return this.#finished.has(base);
  }

  async open(): Promise<void> {
    const { settings, folders, quarantine } = this.#parts;
    const { files, damaged } = await readHistory(settings.disk, folders.done);
    for (const name of damaged) await quarantine.move(join(folders.done, name), name);
    for (const { name, segments } of files) {
      for (const segment of segments) this.#remember(segment);
      this.#historyFiles.push(historyEntry(name, segments));
    }
  }

  /** Takes in new receipts. A file that can't be dealt with now is tried again the next time. */
  async settle(atStart: boolean): Promise<void> {
    const { settings, folders } = this.#parts;
    for (const file of (await settings.disk.list(folders.done)).sort()) {
      const moved = parseClosedName(file);
      const base = parseReceiptName(file) ?? moved;
      if (base === undefined || (this.#fresh.has(base.base) && moved === undefined)) continue;
      try {
        if (moved === undefined) await this.#settleReceipt(file, base.base, atStart);
        else await this.#settleMoved(file, moved, atStart);
      } catch (error) {
        settings.log.warn('A receipt could not be settled yet', { file, cause: messageOf(error) });
      }
    }
    if (this.#fresh.size >= COMPACT_AT) await this.#compact();
    await this.#expire();
  }

  async #settleReceipt(file: string, base: string, atStart: boolean): Promise<void> {
    const { settings, folders, quarantine, counters } = this.#parts;
    const path = join(folders.done, file);
    const bytes = await settings.disk.read(path);
    const receipt = decoded(() =>
      validate(Receipt, JSON.parse(Buffer.from(bytes).toString()), 'Cannot read a receipt'),
    );
    if (receipt === undefined) {
      await quarantine.move(path, file);
      return;
    }
    const ids = (outcome: string): string[] =>
      receipt.objects.filter((object) => object.outcome === outcome).flatMap(({ captureIds }) => captureIds);
    const reason = receipt.objects.find((object) => object.reason !== undefined)?.reason;
    const known = this.#finished.has(base);
    const keep = ids('quarantined').length > 0 || receipt.lostRecords > 0;
    // At start the spool itself removes what is finished, from one listing for all.
    if (keep || !atStart) await this.#removeSegment(base, keep);
    // It stands in a history file already: a kill came before its receipt went.
    if (known) {
      await settings.disk.remove(path);
      return;
    }
    const finished: FinishedSegment = {
      base,
      lastSequence: receipt.lastSequence,
      finishedMs: receipt.finishedMs,
      uploaded: ids('uploaded'),
      quarantined: ids('quarantined'),
      dropped: ids('dropped'),
      ...(reason === undefined ? {} : { reason }),
    };
    this.#fresh.set(base, finished);
    this.#remember(finished);
    if (atStart) return;
    counters.drop('damaged', receipt.lostRecords);
    this.#count(finished);
  }

  /** A segment that the uploader moved here, where a full disk had no room for a receipt: all of it was uploaded. */
  async #settleMoved(file: string, name: ClosedName, atStart: boolean): Promise<void> {
    const { settings, folders, catalogue } = this.#parts;
    const path = join(folders.done, file);
    const content = readContent(await settings.disk.read(path), name.nonce);
    const finished: FinishedSegment = {
      base: name.base,
      lastSequence: name.lastSequence,
      finishedMs: settings.clock.wallMs(),
      uploaded: content.records.map(({ record }) => record.captureId),
      quarantined: [],
      dropped: [],
    };
    await settings.disk.remove(path);
    catalogue.delete(name.base);
    if (this.#finished.has(name.base)) return;
    this.#fresh.set(name.base, finished);
    this.#remember(finished);
    if (!atStart) this.#count(finished);
  }

  /** Takes a segment off the disk, or into quarantine where something in it was not delivered. */
  async #removeSegment(base: string, keep: boolean): Promise<void> {
    const { settings, folders, catalogue, quarantine } = this.#parts;
    const known = catalogue.delete(base);
    const files = known === undefined ? await this.#filesOf(base) : [known.name.file];
    for (const file of files) {
      const path = join(folders.closed, file);
      if (keep) await quarantine.move(path, file);
      else await settings.disk.remove(path);
    }
  }

  /** The agent's own receipt is on disk: the segment was evicted. */
  evicted(segment: FinishedSegment): void {
    this.#fresh.set(segment.base, segment);
    this.#remember(segment);
  }

  async #filesOf(base: string): Promise<string[]> {
    const { settings, folders } = this.#parts;
    return (await settings.disk.list(folders.closed)).filter((file) => file.startsWith(`${base}.`));
  }

  #count(finished: FinishedSegment): void {
    const { counters, settings, announce } = this.#parts;
    counters.delivered += finished.uploaded.length;
    if (finished.uploaded.length > 0) {
      counters.lastSuccessMs = settings.clock.wallMs();
      announce('UPLOADED', finished.uploaded);
    }
    if (finished.quarantined.length > 0) {
      counters.drop('quarantined', finished.quarantined.length);
      announce('QUARANTINED', finished.quarantined, finished.reason);
    }
  }

  #remember(finished: FinishedSegment): void {
    const { statuses } = this.#parts;
    this.#finished.add(finished.base);
    this.#lastSequence = Math.max(this.#lastSequence, finished.lastSequence);
    for (const id of finished.uploaded) statuses.set(id, 'UPLOADED');
    for (const id of finished.quarantined) statuses.set(id, 'QUARANTINED', finished.reason);
    for (const id of finished.dropped) statuses.set(id, 'DROPPED', finished.reason);
  }

  async #compact(): Promise<void> {
    const { settings, folders } = this.#parts;
    const segments = [...this.#fresh.values()];
    try {
      const name = await writeHistory(settings.disk, folders.done, segments);
      this.#historyFiles.push(historyEntry(name, segments));
      this.#fresh.clear();
      for (const { base } of segments) await settings.disk.remove(join(folders.done, `${base}.receipt`));
    } catch (error) {
      settings.log.warn('Receipts could not be put together yet', { cause: messageOf(error) });
    }
  }

  /** Forgets by time only while the clock is known to be right: a clock that jumps must not forget anything. */
  async #expire(): Promise<void> {
    const { settings, folders } = this.#parts;
    const before = settings.clock.wallMs() - settings.statusRetentionMs;
    // The newest stays: it holds the last sequence number.
    const surplus = this.#historyFiles.length - MAX_HISTORY_FILES;
    const expired = this.#historyFiles
      .slice(0, -1)
      .filter(({ newestMs }, at) => at < surplus || (settings.clockSynchronised() && newestMs < before));
    if (expired.length === 0) return;
    // A deleted segment that a power cut brings back would be uploaded again once nobody remembers it.
    await settings.disk.syncFolder(folders.closed);
    for (const { name, bases } of expired) {
      await settings.disk.remove(join(folders.done, name));
      for (const base of bases) this.#finished.delete(base);
    }
    this.#historyFiles = this.#historyFiles.filter((file) => !expired.includes(file));
  }
}

function historyEntry(name: string, segments: readonly FinishedSegment[]): HistoryEntry {
  return {
    name,
    newestMs: segments.reduce((newest, { finishedMs }) => Math.max(newest, finishedMs), 0),
    bases: segments.map(({ base }) => base),
  };
}
