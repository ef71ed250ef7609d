import { messageOf } from '../../core/mod.js';
import type { DropReason } from './capture-spool.js';
import type { Priority } from '../captured/priority.js';
import type { ClosedSegments } from './closed-segments.js';
import type { DiskHealth } from './disk-health.js';
import type { Fates } from './fates.js';
import type { SpoolFolders } from './layout.js';
import type { Leftovers } from './leftovers.js';
import { isNoSpace, OpenSegment, type PendingRecord } from './open-segment.js';
import type { SpoolSettings } from './options.js';
import { PendingQueue } from './pending-queue.js';
import type { Room } from './room.js';
import { Timer } from './timer.js';

export interface PriorityWriterParts {
  readonly settings: SpoolSettings;
  readonly folders: SpoolFolders;
  readonly fates: Fates;
  readonly closed: ClosedSegments;
  readonly leftovers: Leftovers;
  readonly room: Room;
  readonly health: DiskHealth;
}

/**
 * Writes the records of one priority class: a queue, one open segment, and one loop. Invariants:
 * - one write and one sync at a time; all that came during a sync goes with the next (group commit);
 * - nothing is acknowledged in durable mode before the sync that covers it has succeeded;
 * - after a failed sync the file is not written or synced again. It is renamed so that only its durable part counts,
 *   and what was not durable is written to a new file;
 * - each record is in this writer, in a closed segment, in a leftover file, or dropped: `records` counts the first.
 */
export class PriorityWriter {
  readonly #parts: PriorityWriterParts;
  readonly #priority: Priority;
  readonly #pending = new PendingQueue();
  readonly #segment: OpenSegment;
  readonly #closeTimer: Timer;
  readonly #syncTimer: Timer;
  #records = 0;
  #running: Promise<void> | undefined;
  #isRenewDue = false;
  #lastSyncMs = Number.NEGATIVE_INFINITY;

  constructor(parts: PriorityWriterParts, priority: Priority) {
    const { settings, folders } = parts;
    this.#parts = parts;
    this.#priority = priority;
    this.#segment = new OpenSegment(settings, folders, priority);
    this.#closeTimer = new Timer(settings.clock, () => this.#kick());
    this.#syncTimer = new Timer(settings.clock, () => this.#kick());
  }

  get pendingBytes(): number {
    return this.#pending.bytes;
  }

  get openBytes(): number {
    return this.#segment.bytes;
  }

  get records(): number {
    return this.#records;
  }

  get oldestSinceMs(): number | undefined {
    return this.#segment.sinceMs;
  }

  enqueue(record: PendingRecord): void {
    this.#records += 1;
    this.#pending.push(record);
    this.#kick();
  }

  /** Closes the open segment, so that the next one starts under the policy of that moment. */
  renew(): void {
    this.#isRenewDue = this.#segment.isOpen;
    this.#kick();
  }

  /** Writes what waits and closes the open segment. */
  async drain(): Promise<void> {
    // A file that has to be given up on the way is followed by another one.
    for (let attempt = 1; attempt <= 3; attempt++) {
      this.#closeTimer.ring();
      this.#kick();
      while (this.#running !== undefined) await this.#running;
      if (!this.#segment.isOpen) break;
    }
    this.#stopTimers();
  }

  #kick(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Lets a burst of appends gather in one commit.
    await Promise.resolve();
    for (;;) {
      if (this.#isRenewDue || this.#segment.bytes >= this.#parts.settings.segmentBytes) await this.#close();
      else if (!this.#pending.isEmpty) await this.#commit();
      else if (this.#syncTimer.hasRung) await this.#sync();
      else if (this.#closeTimer.hasRung) await this.#close();
      else break;
    }
    // Cleared in the same turn as the last look at the queue: no kick can fall between.
    this.#running = undefined;
  }

  async #commit(): Promise<void> {
    await this.#pause();
    const batch = this.#pending.take(this.#parts.settings.segmentBytes);
    if (await this.#makeRoom(batch.bytes)) await this.#writeOrDrop(batch.records);
    else this.#drop(batch.records, 'quota');
    this.#pending.done(batch);
  }

  /** Gathers more records for each sync, where the configuration spares the flash. */
  async #pause(): Promise<void> {
    const { policy, clock } = this.#parts.settings;
    const { commit } = policy.current;
    if (commit.mode !== 'durable' || commit.pauseMs === undefined) return;
    const waitMs = this.#lastSyncMs + commit.pauseMs - clock.monotonicMs();
    if (waitMs > 0) await clock.sleep(waitMs);
  }

  async #makeRoom(bytes: number): Promise<boolean> {
    const { room } = this.#parts;
    while (room.mustShrink(this.#priority, this.#segment.bytes + bytes)) {
      if (await room.evictOldest(this.#priority)) continue;
      if (!this.#segment.isOpen) return false;
      await this.#close();
    }
    return true;
  }

  /** Writes to the open segment and, where its file had to be given up, once more to a new one. */
  async #writeOrDrop(batch: readonly PendingRecord[]): Promise<void> {
    let records = batch;
    for (let attempt = 1; attempt <= 2; attempt++) {
      try {
        await this.#write(records);
        this.#parts.health.worked();
        return;
      } catch (error) {
        const inFile = new Set(this.#segment.unsynced);
        const isAppended = records.some((record) => inFile.has(record));
        if (isNoSpace(error) && !isAppended && (await this.#cutTail())) {
          this.#drop(records, 'no-space');
          return;
        }
        this.#parts.health.failed(messageOf(error));
        records = [...inFile, ...records.filter((record) => !inFile.has(record))];
        if (!(await this.#giveUp())) break;
      }
    }
    // In interval mode what was acknowledged within the last window goes with its file.
    this.#drop(records, 'io-error');
  }

  async #write(records: readonly PendingRecord[]): Promise<void> {
    const { policy, clock } = this.#parts.settings;
    const { commit, pushPeriodMs } = policy.current;
    await this.#segment.append(records);
    this.#closeTimer.start(pushPeriodMs);
    if (commit.mode === 'durable') {
      await this.#segment.sync();
      this.#lastSyncMs = clock.monotonicMs();
    } else this.#syncTimer.start(commit.windowMs);
    this.#acknowledge(records, commit.mode);
  }

  #acknowledge(records: readonly PendingRecord[], mode: 'durable' | 'interval'): void {
    const fresh = records.filter(({ acked }) => !acked);
    for (const record of fresh) {
      record.acked = true;
      record.resolve({ outcome: 'spooled', mode, sequence: record.info.sequence });
    }
    this.#parts.fates.spooled(fresh.map(({ info }) => info.captureId));
  }

  #drop(records: readonly PendingRecord[], reason: DropReason): void {
    this.#records -= records.length;
    const ids = records.map(({ info }) => info.captureId);
    const resolves = records.map(({ resolve }) => resolve);
    void this.#parts.fates.dropped(ids, reason).then(() => {
      for (const resolve of resolves) resolve({ outcome: 'dropped', reason });
    });
  }

  async #sync(): Promise<void> {
    this.#syncTimer.stop();
    try {
      await this.#segment.sync();
    } catch (error) {
      await this.#rescue(error);
    }
  }

  /** The next segment starts with the next record. */
  async #close(): Promise<void> {
    this.#isRenewDue = false;
    this.#stopTimers();
    try {
      const segment = await this.#segment.close();
      if (segment === undefined) return;
      this.#segment.leave();
      this.#records -= segment.name.records;
      this.#parts.closed.add(segment);
    } catch (error) {
      await this.#rescue(error);
    }
  }

  /** Writes to a new file what is not durable in one that failed. */
  async #rescue(error: unknown): Promise<void> {
    this.#parts.health.failed(messageOf(error));
    const records = this.#segment.unsynced;
    const isMarked = await this.#giveUp();
    if (records.length === 0) return;
    if (isMarked) await this.#writeOrDrop(records);
    else this.#drop(records, 'io-error');
  }

  async #cutTail(): Promise<boolean> {
    const isWhole = await this.#segment.cutTail();
    if (!this.#segment.isOpen) this.#stopTimers();
    return isWhole;
  }

  /** True where what was not durable may be written elsewhere. */
  async #giveUp(): Promise<boolean> {
    this.#stopTimers();
    const file = await this.#segment.giveUp();
    if (file === undefined) return true;
    this.#segment.leave();
    this.#records -= file.records;
    this.#parts.leftovers.add(file);
    return file.isMarked;
  }

  #stopTimers(): void {
    this.#closeTimer.stop();
    this.#syncTimer.stop();
  }
}
