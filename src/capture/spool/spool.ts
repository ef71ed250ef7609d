import { Listeners, messageOf, SerialQueue } from '../../core/mod.js';
import type { CaptureState, CaptureStats } from '../../contract/mod.js';
import {
  type AppendOutcome,
  type CaptureRecord,
  type CaptureSpool,
  type DropReason,
  type Priority,
} from '../port.js';
import { Catalogue } from './catalogue.js';
import { Counters } from './counters.js';
import { Evictor } from './evictor.js';
import { Finisher } from './finisher.js';
import { FRAME_OVERHEAD_BYTES } from './frame.js';
import { Lane, type LaneHost, type PendingRecord } from './lane.js';
import { spoolFolders, type SpoolFolders } from './layout.js';
import { spoolSettings, type SpoolOptions, type SpoolSettings } from './options.js';
import { encodeRecord } from './payload.js';
import type { TimeReference } from './object-plan.js';
import { Quarantine } from './quarantine.js';
import { SegmentBuilder } from './segment-builder.js';
import { segmentBase, type ClosedName, type OpenName } from './segment-name.js';
import { indexSegments, readFiles, recoverOne, type StartParts } from './startup.js';
import { Statuses, type CaptureStatus } from './statuses.js';

const RECOVERY_RETRY_MS = 2000;
/** More than one segment holds: the sequence goes on behind a file that the disk does not let be read at start. */
const UNREAD_SEQUENCES = 1_000_000;
type StateName = 'SPOOLED' | 'UPLOADED' | 'DROPPED' | 'QUARANTINED';
type StateListener = (state: StateName, captureIds: readonly string[], reason?: string) => void;

/**
 * Opens the spool: recovers what a kill or a power cut left, then takes records. One process at a time may
 * have a spool open; the uploader reads closed segments beside it.
 * @throws EdgeError as `Disk` gives them, where the folders can't be made or read
 */
export async function openSpool(options: SpoolOptions): Promise<CaptureSpool> {
  const spool = new Spool(spoolSettings(options));
  await spool.open();
  return spool;
}

/**
 * The agent's spool: one lane per priority class writes, one chain of housekeeping settles, recovers and evicts.
 * The files are the truth; all that is held here can be rebuilt from them.
 */
class Spool implements CaptureSpool, LaneHost {
  readonly settings: SpoolSettings;
  readonly openFolder: string;
  readonly closedFolder: string;
  readonly #folders: SpoolFolders;
  readonly #catalogue = new Catalogue();
  readonly #counters = new Counters();
  readonly #statuses: Statuses;
  readonly #quarantine: Quarantine;
  readonly #finisher: Finisher;
  readonly #evictor: Evictor;
  readonly #lanes: Readonly<Record<Priority, Lane>>;
  readonly #closedListeners = new Listeners<[segment: string]>();
  readonly #stateListeners = new Listeners<Parameters<StateListener>>();
  /** Files in `open/` that take no more, with what is to be kept of them. */
  readonly #abandoned = new Map<
    string,
    { readonly file: string; readonly name: OpenName; readonly sizeBytes: number }
  >();
  #nextSequence = 1;
  readonly #housekeeping = new SerialQueue();
  #cancelRetry: (() => void) | undefined;
  #sickness: string | undefined;
  #isClosed = false;

  constructor(settings: SpoolSettings) {
    this.settings = settings;
    this.#folders = spoolFolders(settings.root);
    this.openFolder = this.#folders.open;
    this.closedFolder = this.#folders.closed;
    this.#statuses = new Statuses(settings.maxRemembered);
    const { disk, quarantineBytes, log } = settings;
    this.#quarantine = new Quarantine(disk, this.#folders.quarantine, quarantineBytes, log);
    const announce: StateListener = (state, ids, reason) => this.#announce(state, ids, reason);
    const common = {
      settings,
      folders: this.#folders,
      catalogue: this.#catalogue,
      counters: this.#counters,
      announce,
    };
    this.#finisher = new Finisher({ ...common, statuses: this.#statuses, quarantine: this.#quarantine });
    this.#evictor = new Evictor({ ...common, finisher: this.#finisher });
    this.#lanes = {
      error: new Lane(this, 'error'),
      outlier: new Lane(this, 'outlier'),
      sample: new Lane(this, 'sample'),
    };
  }

  async open(): Promise<void> {
    await this.settings.disk.makeFolder(this.#folders.quarantine);
    await this.#quarantine.open();
    const left = await readFiles(this.#startParts());
    for (const name of left) this.abandoned(name, 0);
    const names = this.#catalogue.all().map(({ name }) => name);
    const sequences = [
      this.#finisher.lastSequence,
      ...names.map(({ lastSequence }) => lastSequence),
      ...left.map(({ firstSequence }) => firstSequence + UNREAD_SEQUENCES),
    ];
    this.#nextSequence = sequences.reduce((most, sequence) => Math.max(most, sequence), 0) + 1;
    const rest = await indexSegments(this.#startParts(), names);
    if (rest.length > 0) void this.#keepHouse(() => this.#indexRest(rest));
  }

  append(record: CaptureRecord): Promise<AppendOutcome> {
    this.#counters.issued += 1;
    if (this.#isClosed) return this.#refuse('closed');
    if (this.has(record.captureId)) return this.#refuse('duplicate');
    const { boot } = this.settings;
    const stamp = { sequence: this.#nextSequence, bootId: boot.bootId, monotonicMs: boot.monotonicMs() };
    const encoded = encodeRecord(record, stamp);
    const sizeBytes = encoded.payload.byteLength + FRAME_OVERHEAD_BYTES;
    const refusal = this.#refusal(record.priority, sizeBytes);
    if (refusal !== undefined) return this.#refuse(refusal, record);
    this.#nextSequence += 1;
    this.#statuses.set(record.captureId, 'PENDING');
    const { captureId, model, inferenceTimeMs, clockSynchronised } = record;
    const info = { captureId, model, inferenceTimeMs, clockSynchronised, ...stamp };
    return new Promise((resolve) => {
      this.#lanes[record.priority].enqueue({ encoded, info, sizeBytes, resolve, acked: false });
    });
  }

  has(captureId: string): boolean {
    const { state } = this.#statuses.get(captureId);
    return state !== 'UNKNOWN' && state !== 'DROPPED';
  }

  status(captureId: string): CaptureStatus & { readonly state: CaptureState } {
    return this.#statuses.get(captureId);
  }

  stats(): CaptureStats {
    const lanes = Object.values(this.#lanes);
    const nowMs = this.settings.clock.monotonicMs();
    const oldest = [this.#catalogue.oldestSinceMs, ...lanes.map(({ oldestSinceMs }) => oldestSinceMs)];
    const sinceMs = oldest.reduce<number>((least, value) => Math.min(least, value ?? nowMs), nowMs);
    const { issued, acked, delivered, drops, lastSuccessMs } = this.#counters;
    return {
      issued,
      acked,
      delivered,
      drops,
      queuedRecords: this.#catalogue.records + lanes.reduce((total, lane) => total + lane.queuedRecords, 0),
      queueBytes: this.#catalogue.totalBytes + lanes.reduce((total, lane) => total + lane.openBytes, 0),
      oldestAgeMs: Math.round(nowMs - sinceMs),
      ...(lastSuccessMs === undefined ? {} : { lastSuccessMs }),
      quarantinedBytes: this.#quarantine.bytes,
      mode: this.settings.commit.mode,
    };
  }

  health(): string | undefined {
    return this.#sickness;
  }

  onClosed(listener: (segment: string) => void): () => void {
    return this.#closedListeners.add(listener);
  }

  onState(listener: StateListener): () => void {
    return this.#stateListeners.add(listener);
  }

  async reconcile(): Promise<void> {
    await this.#keepHouse(async () => {
      await this.#finisher.settle(false);
      await this.#recoverAbandoned();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(Object.values(this.#lanes).map((lane) => lane.drain()));
    this.#cancelRetry?.();
    await this.#housekeeping.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // What the lanes ask for.

  builder(priority: Priority, firstSequence: number): SegmentBuilder {
    const { random, boot, clock, layout } = this.settings;
    const nonce = Number.parseInt(random.hex(4), 16);
    return new SegmentBuilder(segmentBase(firstSequence, priority, nonce), {
      v: 1,
      bootId: boot.bootId,
      openedMs: clock.wallMs(),
      layout: { ...layout },
    });
  }

  footer(builder: SegmentBuilder): Uint8Array {
    return builder.footerFrame(this.settings.clock.wallMs(), this.#reference());
  }

  spooled(records: readonly PendingRecord[], mode: 'durable' | 'interval'): void {
    const fresh = records.filter(({ acked }) => !acked);
    this.#counters.acked += fresh.length;
    for (const record of fresh) {
      record.acked = true;
      this.#statuses.set(record.info.captureId, 'SPOOLED');
      record.resolve({ outcome: 'spooled', mode, sequence: record.info.sequence });
    }
    this.#announce(
      'SPOOLED',
      fresh.map(({ info }) => info.captureId),
    );
  }

  dropped(records: readonly PendingRecord[], reason: DropReason): void {
    this.#counters.drop(reason, records.length);
    for (const { info, resolve } of records) {
      this.#statuses.set(info.captureId, 'DROPPED', reason);
      resolve({ outcome: 'dropped', reason });
    }
    this.#announce(
      'DROPPED',
      records.map(({ info }) => info.captureId),
      reason,
    );
  }

  closed(name: ClosedName, _captureIds: readonly string[], sinceMs: number): void {
    this.#catalogue.add({ name, sinceMs });
    this.#closedListeners.tell(name.file);
  }

  abandoned(name: OpenName, sizeBytes: number): void {
    this.#abandoned.set(name.base, { file: name.base, name, sizeBytes });
    this.#cancelRetry ??= this.settings.clock.after(
      RECOVERY_RETRY_MS,
      () => {
        this.#cancelRetry = undefined;
        void this.#keepHouse(() => this.#recoverAbandoned());
      },
      { unref: true },
    );
  }

  excessBytes(priority: Priority, bytes: number): number {
    return (
      this.#catalogue.bytes(priority) +
      this.#abandonedBytes(priority) +
      bytes -
      this.settings.quotas[priority].bytes
    );
  }

  async evictOldest(priority: Priority): Promise<boolean> {
    return await this.#keepHouse(() => this.#evictor.evictOldest(priority), false);
  }

  sick(reason: string | undefined): void {
    if (reason !== undefined && this.#sickness === undefined) {
      this.settings.log.error('The spool meets a sick disk', { cause: reason });
    }
    this.#sickness = reason;
  }

  // Housekeeping.

  #refusal(priority: Priority, sizeBytes: number): DropReason | undefined {
    const lanes = Object.values(this.#lanes);
    const pendingBytes = lanes.reduce((total, lane) => total + lane.pendingBytes, 0);
    if (pendingBytes > 0 && pendingBytes + sizeBytes > this.settings.maxPendingBytes) return 'overload';
    const { bytes, policy } = this.settings.quotas[priority];
    if (sizeBytes > bytes) return 'quota';
    const lane = this.#lanes[priority];
    const full = this.excessBytes(priority, lane.openBytes + lane.pendingBytes + sizeBytes) > 0;
    return full && policy !== 'drop-oldest' ? 'quota' : undefined;
  }

  /** A refused record may be offered again under its id; one that `drop-newest` took is gone for good. */
  async #refuse(reason: DropReason, record?: CaptureRecord): Promise<AppendOutcome> {
    this.#counters.drop(reason, 1);
    if (
      record !== undefined &&
      reason === 'quota' &&
      this.settings.quotas[record.priority].policy === 'drop-newest'
    ) {
      this.#statuses.set(record.captureId, 'DROPPED', 'quota: drop-newest');
      this.#announce('DROPPED', [record.captureId], 'quota: drop-newest');
    }
    return { outcome: 'dropped', reason };
  }

  async #recoverAbandoned(): Promise<void> {
    for (const [base, { name, file }] of this.#abandoned) {
      const names = await this.settings.disk.list(this.openFolder);
      const present = names.find((other) => other === file || other.startsWith(`${file}.cut`));
      if (present !== undefined && !(await recoverOne(this.#startParts(), present, name.cutBytes))) continue;
      this.#abandoned.delete(base);
      const segment = this.#catalogue.all().find((entry) => entry.name.base === base);
      if (segment !== undefined) this.#closedListeners.tell(segment.name.file);
    }
    const [next] = this.#abandoned.values();
    if (next !== undefined && !this.#isClosed) this.abandoned(next.name, next.sizeBytes);
  }

  async #indexRest(names: readonly ClosedName[]): Promise<void> {
    let rest = names;
    while (rest.length > 0 && !this.#isClosed) rest = await indexSegments(this.#startParts(), rest);
  }

  /** One thing at a time, so that a segment is never settled, recovered and evicted at once. */
  async #keepHouse<T>(task: () => Promise<T>, onError?: T): Promise<T> {
    try {
      return await this.#housekeeping.run(task);
    } catch (error) {
      this.settings.log.warn('Housekeeping of the spool failed', { cause: messageOf(error) });
      if (onError !== undefined) return onError;
      throw error;
    }
  }

  #announce(state: StateName, captureIds: readonly string[], reason?: string): void {
    if (captureIds.length === 0) return;
    this.#stateListeners.tell(state, captureIds, reason);
  }

  #abandonedBytes(priority: Priority): number {
    let bytes = 0;
    for (const { name, sizeBytes } of this.#abandoned.values())
      if (name.priority === priority) bytes += sizeBytes;
    return bytes;
  }

  #reference(): TimeReference | undefined {
    const { clockSynchronised, boot, clock } = this.settings;
    if (!clockSynchronised()) return undefined;
    return { bootId: boot.bootId, wallMs: clock.wallMs(), monotonicMs: boot.monotonicMs() };
  }

  #startParts(): StartParts {
    return {
      settings: this.settings,
      folders: this.#folders,
      catalogue: this.#catalogue,
      statuses: this.#statuses,
      counters: this.#counters,
      finisher: this.#finisher,
      recovery: () => ({
        disk: this.settings.disk,
        root: this.settings.root,
        quarantine: this.#quarantine,
        fallback: this.settings.layout,
        nowMs: this.settings.clock.wallMs(),
        reference: this.#reference(),
      }),
    };
  }
}
