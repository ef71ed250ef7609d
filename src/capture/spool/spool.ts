import type { CaptureState, CaptureStats } from '../../contract/mod.js';
import type { AppendOutcome, CaptureSpool, DropReason, QuarantinedCaptures } from './capture-spool.js';
import type { CaptureRecord } from '../captured/capture-record.js';
import { FRAME_OVERHEAD_BYTES } from './frame.js';
import { spoolSettings, type SpoolOptions } from './options.js';
import { spoolParts, type SpoolParts } from './parts.js';
import { outlineRecord } from './payload.js';
import { spoolPolicy, type SpoolPolicy, type SpoolPolicyOptions } from './policy.js';
import type { ClosedName } from './segment-name.js';
import { findClosed, indexSegments } from './startup.js';
import type { CaptureStatus } from './statuses.js';

/** More than one segment holds: the sequence goes on behind a file that the disk does not let be read at start. */
const UNREAD_SEQUENCES = 1_000_000;

/**
 * Opens the spool: recovers what a kill or a power cut left, then takes records. One process at a time may
 * have a spool open; the uploader reads closed segments beside it.
 * @throws EdgeError as `Disk` gives them, where the folders can't be made or read
 */
export async function openSpool(options: SpoolOptions): Promise<CaptureSpool> {
  const policy = { current: spoolPolicy(options) };
  const spool = new Spool(spoolParts(spoolSettings(options, policy)), policy);
  await spool.open();
  return spool;
}

/**
 * The agent's spool: one writer per priority class, one chain of housekeeping that settles, recovers and evicts.
 * The files are the truth; all that is held here can be rebuilt from them. Calls go one way: from here to the parts,
 * and from each part to those that it was made with (parts.ts).
 */
class Spool implements CaptureSpool {
  readonly #parts: SpoolParts;
  readonly #policy: { current: SpoolPolicy };
  #nextSequence = 1;
  #isClosed = false;

  constructor(parts: SpoolParts, policy: { current: SpoolPolicy }) {
    this.#parts = parts;
    this.#policy = policy;
  }

  /** Rebuilds everything from the files. */
  async open(): Promise<void> {
    const {
      settings,
      folders,
      quarantine,
      keptDrops,
      finisher,
      finished,
      closed,
      leftovers,
      fates,
      requeuer,
    } = this.#parts;
    for (const folder of Object.values(folders) as string[]) await settings.disk.makeFolder(folder);
    await quarantine.open();
    fates.carry({ delivered: 0, drops: await keptDrops.open() });
    const kept = await finisher.open();
    await findClosed(this.#parts);
    await requeuer.open(kept);
    const unread = await leftovers.open();
    fates.opened(closed.records);
    const names = closed.all().map(({ name }) => name);
    const sequences = [
      finished.lastSequence,
      ...names.map(({ lastSequence }) => lastSequence),
      ...unread.map(({ firstSequence }) => firstSequence + UNREAD_SEQUENCES),
    ];
    this.#nextSequence = sequences.reduce((most, sequence) => Math.max(most, sequence), 0) + 1;
    const rest = await indexSegments(this.#parts, names);
    if (rest.length > 0) void this.#parts.housekeeping.try(() => this.#indexRest(rest), undefined);
  }

  async #indexRest(names: readonly ClosedName[]): Promise<void> {
    let rest = names;
    while (rest.length > 0 && !this.#isClosed) rest = await indexSegments(this.#parts, rest);
  }

  async append(record: CaptureRecord): Promise<AppendOutcome> {
    const { settings, fates, writers } = this.#parts;
    fates.issued();
    if (this.#isClosed) return this.#refuse('closed');
    if (this.has(record.captureId)) return this.#refuse('duplicate');
    const { boot } = settings;
    const stamp = { sequence: this.#nextSequence, bootId: boot.bootId, monotonicMs: boot.monotonicMs() };
    const outline = outlineRecord(record, stamp);
    const sizeBytes = outline.maxBytes + FRAME_OVERHEAD_BYTES;
    const refusal = this.#refusal(record, sizeBytes);
    if (refusal !== undefined) return this.#refuse(refusal, record);
    this.#nextSequence += 1;
    fates.pending(record.captureId);
    const { captureId, model, inferenceTimeMs, clockSynchronised } = record;
    const info = { captureId, model, inferenceTimeMs, clockSynchronised, ...stamp };
    return new Promise((resolve) => {
      writers[record.priority].enqueue({ info, outline, sizeBytes, resolve, acked: false });
    });
  }

  #refusal({ priority }: CaptureRecord, sizeBytes: number): DropReason | undefined {
    const { settings, writers, room } = this.#parts;
    const pendingBytes = Object.values(writers).reduce((total, writer) => total + writer.pendingBytes, 0);
    if (pendingBytes > 0 && pendingBytes + sizeBytes > settings.maxPendingBytes) return 'overload';
    const { openBytes, pendingBytes: waitingBytes } = writers[priority];
    return room.refusal(priority, sizeBytes, openBytes + waitingBytes);
  }

  /** A refused record may be offered again under its id; one that `drop-newest` took is gone for good. */
  #refuse(reason: DropReason, record?: CaptureRecord): Promise<AppendOutcome> {
    const { fates } = this.#parts;
    const isGone =
      record !== undefined &&
      reason === 'quota' &&
      this.#policy.current.quotas[record.priority].policy === 'drop-newest';
    // Without the record: its bytes need not wait for a slow disk.
    const counted = isGone
      ? fates.dropped([record.captureId], reason, 'quota: drop-newest')
      : fates.refused(reason);
    return counted.then(() => ({ outcome: 'dropped', reason }));
  }

  has(captureId: string): boolean {
    const { state } = this.status(captureId);
    return state !== 'UNKNOWN' && state !== 'DROPPED';
  }

  status(captureId: string): CaptureStatus & { readonly state: CaptureState } {
    return this.#parts.fates.status(captureId);
  }

  stats(): CaptureStats {
    const { settings, fates, closed, leftovers, quarantine, writers } = this.#parts;
    const all = Object.values(writers);
    const nowMs = settings.clock.monotonicMs();
    const oldest = [closed.oldestSinceMs, ...all.map(({ oldestSinceMs }) => oldestSinceMs)];
    const sinceMs = oldest.reduce<number>((least, value) => Math.min(least, value ?? nowMs), nowMs);
    const { issued, acked, delivered, lastSuccessMs } = fates.counts;
    return {
      issued,
      acked,
      delivered,
      drops: fates.counts.drops(quarantine.heldRecords),
      queuedRecords: closed.records + leftovers.records + all.reduce((sum, { records }) => sum + records, 0),
      queueBytes: closed.totalBytes + all.reduce((sum, { openBytes }) => sum + openBytes, 0),
      oldestAgeMs: Math.round(nowMs - sinceMs),
      ...(lastSuccessMs === undefined ? {} : { lastSuccessMs }),
      quarantinedBytes: quarantine.bytes,
      mode: this.#policy.current.commit.mode,
    };
  }

  health(): string | undefined {
    return this.#parts.health.sickness;
  }

  onClosed(listener: (segment: string) => void): () => void {
    return this.#parts.closed.onAdded(listener);
  }

  onState(listener: Parameters<CaptureSpool['onState']>[0]): () => void {
    return this.#parts.fates.onState(listener);
  }

  configure(policy: SpoolPolicyOptions): void {
    this.#policy.current = spoolPolicy(policy);
    for (const writer of Object.values(this.#parts.writers)) writer.renew();
  }

  async reconcile(): Promise<void> {
    const { housekeeping, finisher, leftovers } = this.#parts;
    await housekeeping.run(async () => {
      await finisher.settle();
      await leftovers.recover();
    });
  }

  async quarantined(): Promise<readonly QuarantinedCaptures[]> {
    const { housekeeping, quarantine, requeuer } = this.#parts;
    return await housekeeping.run(async () => {
      const all: QuarantinedCaptures[] = [];
      for (const held of quarantine.held) {
        const { number, name, records, sizeBytes } = held;
        all.push({ number, segment: name.file, records, sizeBytes, ...(await requeuer.describe(held)) });
      }
      return all;
    });
  }

  async requeue(number: number): Promise<readonly string[]> {
    const { housekeeping, quarantine, requeuer } = this.#parts;
    return await housekeeping.run(async () => {
      const held = quarantine.held.find((other) => other.number === number);
      return held === undefined ? [] : await requeuer.bringBack(held, () => this.#nextSequence++);
    });
  }

  async close(): Promise<void> {
    const { housekeeping, leftovers, writers, keptDrops } = this.#parts;
    this.#isClosed = true;
    await Promise.all(Object.values(writers).map((writer) => writer.drain()));
    leftovers.close();
    await housekeeping.idle();
    await keptDrops.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
