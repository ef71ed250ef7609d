import { messageOf } from '../../core/mod.js';
import { join } from '../../disk/mod.js';
import { readHistory, writeHistory, type Forgotten, type NamedHistory } from './history.js';
import type { SpoolFolders } from './layout.js';
import type { SpoolSettings } from './options.js';
import type { Quarantine } from './quarantine.js';
import { NO_TALLY, recordsIn, sumOf, tallyOf, type FinishedSegment, type Tally } from './tally.js';

/** Files of single segments that wait before they are put together in one history file. */
const COMPACT_AT = 64;

/** Beyond this the oldest goes whatever the clock says: memory and disk are bounded. */
const MAX_HISTORY_FILES = 1000;

interface HistoryEntry {
  readonly name: string;
  readonly newestMs: number;
  readonly bases: readonly string[];
  readonly tally: Tally;
}

interface FreshSegment {
  readonly segment: FinishedSegment;
  /** What tells of it in `done/`. */
  readonly file: string;
}

/**
 * Which segments are finished: what is left of them is deleted, never uploaded again. Each is told by one file in
 * `done/`, by and by put together in history files, and at last only as a number in a later history file. At every
 * moment exactly one of the three counts, whenever a kill comes:
 * - a file of its own whose segment stands in a history file is left over, and so is a history file that a later one
 *   says it forgets; both go at the next start;
 * - none of the fresh ones stands in a history file: such a file is named for its newest segment, so a second one for
 *   the same would take the first one's place.
 */
export class FinishedSegments {
  readonly #settings: SpoolSettings;
  readonly #folders: SpoolFolders;
  readonly #fresh = new Map<string, FreshSegment>();
  readonly #bases = new Set<string>();
  #files: HistoryEntry[] = [];
  #forgotten: Forgotten = { ...NO_TALLY, lastSequence: 0 };
  #lastSequence = 0;

  constructor(settings: SpoolSettings, folders: SpoolFolders) {
    this.#settings = settings;
    this.#folders = folders;
  }

  /** Highest sequence number of a finished segment. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  has(base: string): boolean {
    return this.#bases.has(base);
  }

  /** Whether the file that tells of it was taken in already. */
  isFresh(base: string): boolean {
    return this.#fresh.has(base);
  }

  /** @returns what the history tells, and the counts of what it does not tell any more */
  async open(quarantine: Quarantine): Promise<{ segments: FinishedSegment[]; forgotten: Tally }> {
    const { disk } = this.#settings;
    const { files, damaged } = await readHistory(disk, this.#folders.done);
    for (const name of damaged) await quarantine.move(join(this.#folders.done, name), name);
    const forgets = new Set(files.flatMap((file) => file.forgets ?? []));
    const kept = files.filter(({ name }) => !forgets.has(name));
    for (const { name } of files) if (forgets.has(name)) await disk.remove(join(this.#folders.done, name));
    for (const file of kept) this.#takeIn(file);
    return { segments: kept.flatMap(({ segments }) => segments), forgotten: this.#forgotten };
  }

  #takeIn(file: NamedHistory): void {
    if (file.forgotten !== undefined && recordsIn(file.forgotten) > recordsIn(this.#forgotten)) {
      this.#forgotten = file.forgotten;
    }
    this.#lastSequence = Math.max(this.#lastSequence, file.forgotten?.lastSequence ?? 0);
    for (const segment of file.segments) this.#know(segment);
    this.#files.push(historyEntry(file.name, file.segments));
  }

  /** @param file its name in `done/`, durable */
  add(segment: FinishedSegment, file: string): void {
    this.#fresh.set(segment.base, { segment, file });
    this.#know(segment);
  }

  #know({ base, lastSequence }: FinishedSegment): void {
    this.#bases.add(base);
    this.#lastSequence = Math.max(this.#lastSequence, lastSequence);
  }

  /** Puts the files of single segments together once there are many, and forgets what is old. */
  async compact(): Promise<void> {
    if (this.#fresh.size < COMPACT_AT) return;
    const { disk, log } = this.#settings;
    const { done } = this.#folders;
    const fresh = [...this.#fresh.values()];
    const segments = fresh.map(({ segment }) => segment);
    const expired = this.#expired();
    try {
      const forgotten = await this.#forget(expired);
      const forgets = expired.map(({ name }) => name);
      const name = await writeHistory(disk, done, { segments, forgotten, forgets });
      this.#forgotten = forgotten;
      this.#fresh.clear();
      this.#files = [...this.#files.filter((file) => !expired.includes(file)), historyEntry(name, segments)];
      for (const base of expired.flatMap(({ bases }) => bases)) this.#bases.delete(base);
      for (const file of [...fresh.map((one) => one.file), ...forgets]) await disk.remove(join(done, file));
    } catch (error) {
      log.warn('Receipts could not be put together yet', { cause: messageOf(error) });
    }
  }

  async #forget(expired: readonly HistoryEntry[]): Promise<Forgotten> {
    // A deleted segment that a power cut brings back would be uploaded again once nobody remembers it.
    if (expired.length > 0) await this.#settings.disk.syncFolder(this.#folders.closed);
    const tally = sumOf([this.#forgotten, ...expired.map((file) => file.tally)]);
    return { ...tally, lastSequence: this.#lastSequence };
  }

  /** By time only while the clock is known to be right: a clock that jumps must not forget anything. */
  #expired(): HistoryEntry[] {
    const { clock, clockSynchronised, statusRetentionMs } = this.#settings;
    const before = clock.wallMs() - statusRetentionMs;
    const surplus = this.#files.length + 1 - MAX_HISTORY_FILES;
    return this.#files.filter(
      ({ newestMs }, at) => at < surplus || (clockSynchronised() && newestMs < before),
    );
  }
}

function historyEntry(name: string, segments: readonly FinishedSegment[]): HistoryEntry {
  return {
    name,
    newestMs: segments.reduce((newest, { finishedMs }) => Math.max(newest, finishedMs), 0),
    bases: segments.map(({ base }) => base),
    tally: sumOf(segments.map(tallyOf)),
  };
}
