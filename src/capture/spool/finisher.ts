import { messageOf, validate } from '../../core/mod.js';
import { join } from '../../disk/mod.js';
import type { ClosedSegments } from './closed-segments.js';
import type { Fates } from './fates.js';
import type { FinishedSegments } from './finished-segments.js';
import type { SpoolFolders } from './layout.js';
import type { SpoolSettings } from './options.js';
import type { Quarantine } from './quarantine.js';
import { Receipt, segmentOfReceipt } from './receipt.js';
import { decoded } from './segment-codec.js';
import { readContent } from './segment-content.js';
import {
  parseClosedName,
  parseReceiptName,
  parseSentName,
  sentName,
  type ClosedName,
} from './segment-name.js';
import type { FinishedSegment } from './tally.js';

export interface FinisherParts {
  readonly settings: SpoolSettings;
  readonly folders: SpoolFolders;
  readonly closed: ClosedSegments;
  readonly finished: FinishedSegments;
  readonly fates: Fates;
  readonly quarantine: Quarantine;
}

/** Reads what the uploader wrote in `done/`, and deletes finished segments. Each segment counts once. */
export class Finisher {
  readonly #parts: FinisherParts;
  /** While it is open, the segments' news is told. */
  #isOpen = false;
  /** Of finished segments that were kept, found before it was open. */
  readonly #kept = new Map<string, FinishedSegment>();

  constructor(parts: FinisherParts) {
    this.#parts = parts;
  }

  /**
   * Takes in all that is in `done/`. The spool itself removes what is finished, from one listing for all.
   * @returns what became of segments that were kept in quarantine, by their bases, as far as it is remembered
   */
  async open(): Promise<ReadonlyMap<string, FinishedSegment>> {
    const { finished, fates, quarantine } = this.#parts;
    const { segments, forgotten } = await finished.open(quarantine);
    fates.carry(forgotten);
    for (const segment of segments) this.#remember(segment);
    await this.settle();
    this.#isOpen = true;
    const kept = new Map(this.#kept);
    this.#kept.clear();
    return kept;
  }

  #remember(segment: FinishedSegment): void {
    if (mustKeep(segment)) this.#kept.set(segment.base, segment);
    this.#parts.fates.remember(segment);
  }

  /** Takes in what is new. A file that can't be dealt with now is tried again the next time. */
  async settle(): Promise<void> {
    const { settings, folders, finished } = this.#parts;
    for (const file of (await settings.disk.list(folders.done)).sort()) {
      try {
        await this.#settle(file);
      } catch (error) {
        settings.log.warn('A receipt could not be settled yet', { file, cause: messageOf(error) });
      }
    }
    await finished.compact();
  }

  async #settle(file: string): Promise<void> {
    const { finished } = this.#parts;
    const moved = parseClosedName(file);
    if (moved !== undefined) return await this.#settleMoved(file, moved);
    const sent = parseSentName(file);
    const base = (sent ?? parseReceiptName(file))?.base;
    if (base === undefined || finished.isFresh(base)) return;
    if (sent === undefined) await this.#settleReceipt(file, base);
    else await this.#settleSent(file, sent);
  }

  async #settleReceipt(file: string, base: string): Promise<void> {
    const { settings, folders, closed, finished, quarantine } = this.#parts;
    const path = join(folders.done, file);
    const bytes = await settings.disk.read(path);
    const receipt = decoded(() =>
      validate(Receipt, JSON.parse(Buffer.from(bytes).toString()), 'Cannot read a receipt'),
    );
    if (receipt === undefined) return await quarantine.move(path, file);
    const segment = segmentOfReceipt(base, receipt);
    if (mustKeep(segment) || this.#isOpen) await this.#removeSegment(segment);
    // It stands in a history file already: a kill came before its receipt went.
    if (finished.has(base)) await settings.disk.remove(path);
    closed.delete(base);
    if (!finished.has(base)) this.#finish(segment, file);
  }

  /**
   * A segment that the uploader moved here, where a full disk had no room for a receipt: all of it was uploaded. An
   * empty file takes its place, which needs no room either.
   */
  async #settleMoved(file: string, name: ClosedName): Promise<void> {
    const { settings, folders, closed, finished } = this.#parts;
    const path = join(folders.done, file);
    const content = readContent(await settings.disk.read(path), name.nonce);
    const uploaded = content.records.map(({ record }) => record.captureId);
    const isKnown = finished.has(name.base);
    const sent = sentName(name, uploaded.length);
    if (!isKnown) await this.#mark(sent);
    await settings.disk.remove(path);
    closed.delete(name.base);
    if (isKnown) return;
    const lost = Math.max(0, name.records - uploaded.length);
    const finishedMs = settings.clock.wallMs();
    const { base, lastSequence } = name;
    const segment = { base, lastSequence, finishedMs, uploaded, quarantined: [], dropped: [] };
    this.#finish(lost === 0 ? segment : { ...segment, lost }, sent);
  }

  async #mark(sent: string): Promise<void> {
    const { settings, folders } = this.#parts;
    const path = join(folders.done, sent);
    try {
      await settings.disk.remove(path);
      await (await settings.disk.create(path)).close();
    } catch (error) {
      // The segment's room is what others wait for: rather its count is lost at the next start.
      settings.log.warn('A delivery could not be noted', { file: sent, cause: messageOf(error) });
    }
  }

  async #settleSent(file: string, { base, lastSequence, records }: ClosedName): Promise<void> {
    const { settings, folders, finished } = this.#parts;
    if (finished.has(base)) return await settings.disk.remove(join(folders.done, file));
    const finishedMs = settings.clock.wallMs();
    const nobody = { uploaded: [], quarantined: [], dropped: [] };
    this.#finish({ base, lastSequence, finishedMs, ...nobody, unnamed: records }, file);
  }

  #finish(segment: FinishedSegment, file: string): void {
    const { finished, fates } = this.#parts;
    finished.add(segment, file);
    if (this.#isOpen) fates.finished(segment);
    else this.#remember(segment);
  }

  /** Takes a segment off the disk, or into quarantine where something in it was not delivered. */
  async #removeSegment(segment: FinishedSegment): Promise<void> {
    const { settings, folders, closed, quarantine } = this.#parts;
    const { base } = segment;
    const known = closed.get(base);
    const files = known === undefined ? await this.#filesOf(base) : [known.name.file];
    for (const file of files) {
      const path = join(folders.closed, file);
      if (mustKeep(segment)) await quarantine.move(path, file, segment);
      else await settings.disk.remove(path);
    }
  }

  async #filesOf(base: string): Promise<string[]> {
    const { settings, folders } = this.#parts;
    return (await settings.disk.list(folders.closed)).filter((file) => file.startsWith(`${base}.`));
  }
}

function mustKeep({ quarantined, lost }: FinishedSegment): boolean {
  return quarantined.length > 0 || lost !== undefined;
}
