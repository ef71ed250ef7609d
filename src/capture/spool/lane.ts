import { join } from '../../disk/mod.js';
import { EdgeError, messageOf } from '../../core/mod.js';
import type { AppendOutcome, DropReason, Priority } from '../port.js';
import type { SpoolSettings } from './options.js';
import type { SegmentBuilder } from './segment-builder.js';
import type { ClosedName, OpenName } from './segment-name.js';
import { SegmentWriter, type WritableRecord } from './segment-writer.js';

/** A record on its way to the disk. */
export interface PendingRecord extends WritableRecord {
  readonly sizeBytes: number;
  readonly resolve: (outcome: AppendOutcome) => void;
  acked: boolean;
}

/** What a lane asks of its spool. */
export interface LaneHost {
  readonly settings: SpoolSettings;
  readonly openFolder: string;
  readonly closedFolder: string;
  builder(priority: Priority, firstSequence: number): SegmentBuilder;
  footer(builder: SegmentBuilder): Uint8Array;
  spooled(records: readonly PendingRecord[], mode: 'durable' | 'interval'): void;
  dropped(records: readonly PendingRecord[], reason: DropReason): void;
  closed(name: ClosedName, captureIds: readonly string[], sinceMs: number): void;
  /** A file in `open/` that takes no more: to be closed by recovery. */
  abandoned(name: OpenName, sizeBytes: number): void;
  /** Bytes above the class's quota, were `bytes` to be written beside the closed segments. */
  excessBytes(priority: Priority, bytes: number): number;
  evictOldest(priority: Priority): Promise<boolean>;
  sick(reason: string | undefined): void;
}

/**
 * One priority class: a queue, one open segment, and one loop that writes. Invariants:
 * - one write and one sync at a time; all that came during a sync goes with the next (group commit);
 * - nothing is acknowledged in durable mode before the sync that covers it has succeeded;
 * - after a failed sync the file is not written or synced again. It is renamed so that only its durable part counts,
 *   and what was not durable is written to a new file.
 */
export class Lane {
  readonly #host: LaneHost;
  readonly #priority: Priority;
  #pending: PendingRecord[] = [];
  #pendingBytes = 0;
  #segment: SegmentWriter | undefined;
  /** Written but not synced; in durable mode only during a commit. */
  #unsynced: PendingRecord[] = [];
  #running: Promise<void> | undefined;
  #closeDue = false;
  #syncDue = false;
  #lastSyncMs = Number.NEGATIVE_INFINITY;
  #cancelClose: (() => void) | undefined;
  #cancelSync: (() => void) | undefined;

  constructor(host: LaneHost, priority: Priority) {
    this.#host = host;
    this.#priority = priority;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get openBytes(): number {
    return this.#segment?.writtenBytes ?? 0;
  }

  get queuedRecords(): number {
    return this.#pending.length + (this.#segment?.builder.records ?? 0);
  }

  get oldestSinceMs(): number | undefined {
    return this.#segment?.sinceMs;
  }

  enqueue(record: PendingRecord): void {
    this.#pending.push(record);
    this.#pendingBytes += record.sizeBytes;
    this.#kick();
  }

  /** Writes what waits and closes the open segment. */
  async drain(): Promise<void> {
    this.#closeDue = this.#segment !== undefined || this.#pending.length > 0;
    this.#kick();
    while (this.#running !== undefined) await this.#running;
    this.#cancelTimers();
  }

  #kick(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Lets a burst of appends gather in one commit.
    await Promise.resolve();
    for (;;) {
      if (this.#segment !== undefined && this.#segment.writtenBytes >= this.#host.settings.segmentBytes) {
        await this.#close();
      } else if (this.#pending.length > 0) {
        await this.#pause();
        await this.#commit(this.#takeBatch());
      } else if (this.#syncDue) await this.#syncNow();
      else if (this.#closeDue) await this.#close();
      else break;
    }
    // Cleared in the same turn as the last look at the queue: no kick can fall between.
    this.#running = undefined;
  }

  /** Gathers more records for each sync, where the configuration spares the flash. */
  async #pause(): Promise<void> {
    const { commit, clock } = this.#host.settings;
    if (commit.mode !== 'durable' || commit.pauseMs === undefined) return;
    const waitMs = this.#lastSyncMs + commit.pauseMs - clock.monotonicMs();
    if (waitMs > 0) await clock.sleep(waitMs);
  }

  #takeBatch(): PendingRecord[] {
    let bytes = 0;
    let count = 0;
    for (const { sizeBytes } of this.#pending) {
      if (count > 0 && bytes + sizeBytes > this.#host.settings.segmentBytes) break;
      bytes += sizeBytes;
      count += 1;
    }
    const batch = this.#pending.splice(0, count);
    return batch;
  }

  async #commit(batch: readonly PendingRecord[]): Promise<void> {
    const bytes = sum(batch);
    if (await this.#makeRoom(bytes)) await this.#writeOrDrop(batch);
    else this.#host.dropped(batch, 'quota');
    this.#pendingBytes -= bytes;
  }

  /** Writes to the open segment and, where its file had to be given up, once more to a new one. */
  async #writeOrDrop(batch: readonly PendingRecord[]): Promise<void> {
    let records = batch;
    for (let attempt = 1; attempt <= 2; attempt++) {
      try {
        await this.#write(records);
        this.#host.sick(undefined);
        return;
      } catch (error) {
        const inFile = new Set(this.#unsynced);
        const appended = records.some((record) => inFile.has(record));
        if (isNoSpace(error) && !appended && (await this.#cutTail())) {
          this.#host.dropped(records, 'no-space');
          return;
        }
        this.#host.sick(messageOf(error));
        records = [...this.#unsynced, ...records.filter((record) => !inFile.has(record))];
        if (!(await this.#abandon())) break;
      }
    }
    // In interval mode what was acknowledged within the last window goes with its file.
    this.#host.dropped(records, 'io-error');
  }

  async #write(records: readonly PendingRecord[]): Promise<void> {
    const { settings } = this.#host;
    const segment = this.#segment ?? (await this.#start(records));
    await segment.append(records);
    this.#unsynced.push(...records);
    if (settings.commit.mode === 'durable') {
      await segment.sync();
      this.#unsynced = [];
      this.#lastSyncMs = settings.clock.monotonicMs();
    } else {
      const { windowMs } = settings.commit;
      this.#cancelSync ??= settings.clock.after(windowMs, () => {
        this.#cancelSync = undefined;
        this.#syncDue = true;
        this.#kick();
      });
    }
    this.#host.spooled(records, settings.commit.mode);
  }

  async #start(records: readonly PendingRecord[]): Promise<SegmentWriter> {
    const { settings, openFolder } = this.#host;
    const builder = this.#host.builder(this.#priority, records[0]?.info.sequence ?? 0);
    const segment = await SegmentWriter.create(
      settings.disk,
      openFolder,
      builder,
      settings.clock.monotonicMs(),
    );
    this.#segment = segment;
    this.#cancelClose = settings.clock.after(settings.pushPeriodMs, () => {
      this.#closeDue = true;
      this.#kick();
    });
    return segment;
  }

  async #syncNow(): Promise<void> {
    this.#syncDue = false;
    const records = this.#unsynced;
    if (this.#segment === undefined || records.length === 0) return;
    try {
      await this.#segment.sync();
      this.#unsynced = [];
    } catch (error) {
      this.#host.sick(messageOf(error));
      await this.#rewrite(records);
    }
  }

  async #rewrite(records: readonly PendingRecord[]): Promise<void> {
    const usable = await this.#abandon();
    if (records.length === 0) return;
    if (usable) await this.#writeOrDrop(records);
    else this.#host.dropped(records, 'io-error');
  }

  /** The next segment starts with the next record. */
  async #close(): Promise<void> {
    this.#closeDue = false;
    const segment = this.#segment;
    if (segment === undefined) return;
    try {
      const name = await this.#finish(segment);
      this.#detach();
      this.#host.closed(name, segment.builder.captureIds, segment.sinceMs);
    } catch (error) {
      this.#host.sick(messageOf(error));
      await this.#rewrite(this.#unsynced);
    }
  }

  /** On a full disk a segment closes without its footer, so that it can be uploaded and make room. */
  async #finish(segment: SegmentWriter): Promise<ClosedName> {
    try {
      await segment.appendFooter(this.#host.footer(segment.builder));
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      await segment.cutTail();
    }
    await segment.sync();
    return await segment.rename(this.#host.closedFolder);
  }

  /** True where the open segment is whole again after a write that did not fit. */
  async #cutTail(): Promise<boolean> {
    const segment = this.#segment;
    if (segment === undefined) return true;
    try {
      await segment.cutTail();
      if (segment.writtenBytes === 0) {
        this.#detach();
        await segment.close();
        await this.#host.settings.disk.remove(segment.path);
      }
      return true;
    } catch {
      return false;
    }
  }

  /** True where the file's name now says what of it counts, durably: what was not durable may be written elsewhere. */
  async #abandon(): Promise<boolean> {
    const segment = this.#segment;
    if (segment === undefined) return true;
    this.#detach();
    await segment.close();
    const { disk } = this.#host.settings;
    const { base } = segment.builder;
    const name = { ...base, cutBytes: segment.durableBytes };
    try {
      await disk.rename(segment.path, join(this.#host.openFolder, `${base.base}.cut${segment.durableBytes}`));
      await disk.syncFolder(this.#host.openFolder);
      this.#host.abandoned(name, segment.writtenBytes);
      return true;
    } catch {
      this.#host.abandoned(name, segment.writtenBytes);
      return false;
    }
  }

  #detach(): void {
    this.#segment = undefined;
    this.#unsynced = [];
    this.#cancelTimers();
  }

  #cancelTimers(): void {
    this.#cancelClose?.();
    this.#cancelSync?.();
    this.#cancelClose = undefined;
    this.#cancelSync = undefined;
    this.#syncDue = false;
  }

  async #makeRoom(bytes: number): Promise<boolean> {
    if (this.#host.settings.quotas[this.#priority].policy !== 'drop-oldest') return true;
    while (this.#host.excessBytes(this.#priority, this.openBytes + bytes) > 0) {
      if (await this.#host.evictOldest(this.#priority)) continue;
      if (this.#segment === undefined) return false;
      await this.#close();
    }
    return true;
  }
}

function sum(records: readonly PendingRecord[]): number {
  return records.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}

function isNoSpace(error: unknown): boolean {
  return error instanceof EdgeError && error.code === 'RESOURCE_EXHAUSTED';
}
