import { EdgeError, finishInTurns, type Steps } from '../../core/mod.js';
import type { AppendOutcome } from './capture-spool.js';
import type { Priority } from '../captured/priority.js';
import type { SpoolFolders } from './layout.js';
import { newSegment, timeReference } from './new-segment.js';
import type { SpoolSettings } from './options.js';
import type { EncodedRecord, OutlinedRecord } from './payload.js';
import type { RecordInfo, SegmentBuilder } from './segment-builder.js';
import type { ClosedName, OpenName } from './segment-name.js';
import { SegmentWriter } from './segment-writer.js';

/** A record on its way to the disk. */
export interface PendingRecord {
  readonly info: RecordInfo;
  readonly outline: OutlinedRecord;
  /** What it takes in a segment at most. */
  readonly sizeBytes: number;
  readonly resolve: (outcome: AppendOutcome) => void;
  encoded?: EncodedRecord;
  acked: boolean;
}

/** A file in `open/` that takes no more. */
export interface GivenUp {
  readonly name: OpenName;
  readonly sizeBytes: number;
  /** How many of its records count. */
  readonly records: number;
  /** Whether its name says so durably: the other records may then be written elsewhere. */
  readonly isMarked: boolean;
}

/** The one open segment of a class, or none: it starts with the next record. Knows which records in it are not durable. */
export class OpenSegment {
  readonly #settings: SpoolSettings;
  readonly #folders: SpoolFolders;
  readonly #priority: Priority;
  #writer: SegmentWriter | undefined;
  /** Written but not synced; in durable mode only during a commit. */
  #unsynced: readonly PendingRecord[] = [];

  constructor(settings: SpoolSettings, folders: SpoolFolders, priority: Priority) {
    this.#settings = settings;
    this.#folders = folders;
    this.#priority = priority;
  }

  get isOpen(): boolean {
    return this.#writer !== undefined;
  }

  get bytes(): number {
    return this.#writer?.writtenBytes ?? 0;
  }

  get sinceMs(): number | undefined {
    return this.#writer?.sinceMs;
  }

  get unsynced(): readonly PendingRecord[] {
    return this.#unsynced;
  }

  /** After an error the tail is unknown: `cutTail`, or give it up. */
  async append(records: readonly PendingRecord[]): Promise<void> {
    const writer = (this.#writer ??= await this.#start(records));
    const { builder } = writer;
    const before = builder.records;
    try {
      await writer.append(await finishInTurns(framesOf(records, builder), this.#settings.turn));
    } catch (error) {
      builder.retract(builder.records - before);
      throw error;
    }
    this.#unsynced = [...this.#unsynced, ...records];
  }

  async #start(records: readonly PendingRecord[]): Promise<SegmentWriter> {
    const { disk, clock } = this.#settings;
    const builder = newSegment(this.#settings, this.#priority, records[0]?.info.sequence ?? 0);
    return await SegmentWriter.create(disk, this.#folders.open, builder, clock.monotonicMs());
  }

  /** After an error the file is not to be trusted: give it up. */
  async sync(): Promise<void> {
    if (this.#writer === undefined || this.#unsynced.length === 0) return;
    await this.#writer.sync();
    this.#unsynced = [];
  }

  /** To `closed/`, then to be left. On a full disk without a footer, so that it can be uploaded and make room. */
  async close(): Promise<{ readonly name: ClosedName; readonly sinceMs: number } | undefined> {
    const writer = this.#writer;
    if (writer === undefined) return undefined;
    const footer = writer.builder.footerFrame(this.#settings.clock.wallMs(), timeReference(this.#settings));
    try {
      await writer.appendFooter(footer);
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      await writer.cutTail();
    }
    await writer.sync();
    this.#unsynced = [];
    return { name: await writer.rename(this.#folders.closed), sinceMs: writer.sinceMs };
  }

  /** True where it is whole again after a write that did not fit. */
  async cutTail(): Promise<boolean> {
    const writer = this.#writer;
    if (writer === undefined) return true;
    try {
      await writer.cutTail();
      if (writer.writtenBytes > 0) return true;
      this.leave();
      await writer.discard();
      return true;
    } catch {
      return false;
    }
  }

  /** To be left then. */
  async giveUp(): Promise<GivenUp | undefined> {
    const writer = this.#writer;
    if (writer === undefined) return undefined;
    const { builder, durableBytes, writtenBytes } = writer;
    const records = builder.records - this.#unsynced.length;
    const isMarked = await writer.giveUp();
    return { name: { ...builder.base, cutBytes: durableBytes }, sizeBytes: writtenBytes, records, isMarked };
  }

  /** In the turn in which somebody else counts its bytes: at every moment they count once. */
  leave(): void {
    this.#writer = undefined;
    this.#unsynced = [];
  }
}

function* framesOf(records: readonly PendingRecord[], builder: SegmentBuilder): Steps<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for (const record of records) {
    record.encoded ??= yield* record.outline.encode();
    frames.push(...(yield* builder.recordFrame(record.encoded, record.info)));
  }
  return frames;
}

export function isNoSpace(error: unknown): boolean {
  return error instanceof EdgeError && error.code === 'RESOURCE_EXHAUSTED';
}
