import type { CaptureState } from '../../contract/mod.js';
import { Listeners, type Clock } from '../../core/mod.js';
import type { CaptureSpool, DropReason } from './capture-spool.js';
import { Counters } from './counters.js';
import type { KeptDrops } from './kept-drops.js';
import { Statuses, type CaptureStatus } from './statuses.js';
import { LOST_REASON, type FinishedSegment, type Tally } from './tally.js';

type StateListener = Parameters<CaptureSpool['onState']>[0];
type StateName = Parameters<StateListener>[0];

export interface FatesOptions {
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly maxRemembered: number;
  readonly kept: KeptDrops;
}

export type Counts = Readonly<
  Pick<Counters, 'issued' | 'acked' | 'delivered' | 'requeued' | 'drops' | 'lastSuccessMs'>
>;

/** What became of each record: its state by id, the counts of all, and those who want to hear of it. */
export class Fates {
  readonly #clock: Pick<Clock, 'wallMs'>;
  readonly #statuses: Statuses;
  readonly #kept: KeptDrops;
  readonly #listeners = new Listeners<Parameters<StateListener>>();
  readonly #counters = new Counters();

  constructor({ clock, maxRemembered, kept }: FatesOptions) {
    this.#clock = clock;
    this.#statuses = new Statuses(maxRemembered);
    this.#kept = kept;
  }

  onState(listener: StateListener): () => void {
    return this.#listeners.add(listener);
  }

  status(captureId: string): CaptureStatus & { readonly state: CaptureState } {
    return this.#statuses.get(captureId);
  }

  /** Whether no more ids of queued records are worth looking up. */
  get isFull(): boolean {
    return this.#statuses.full;
  }

  get counts(): Counts {
    return this.#counters;
  }

  issued(): void {
    this.#counters.issued += 1;
  }

  pending(captureId: string): void {
    this.#statuses.set(captureId, 'PENDING');
  }

  spooled(captureIds: readonly string[]): void {
    this.#counters.acked += captureIds.length;
    for (const id of captureIds) this.#statuses.set(id, 'SPOOLED');
    this.#announce('SPOOLED', captureIds);
  }

  /** Found in a segment. One that was quarantined stands in a segment again where it came back. */
  queued(captureId: string): void {
    const { state } = this.#statuses.get(captureId);
    if (state === 'UNKNOWN' || state === 'QUARANTINED') this.#statuses.set(captureId, 'SPOOLED');
  }

  /** Records that were quarantined wait for the uploader again. @param total of all that ever came back */
  requeued(captureIds: readonly string[], total: number): void {
    this.#counters.requeued = total;
    for (const id of captureIds) this.#statuses.set(id, 'SPOOLED');
    this.#announce('SPOOLED', captureIds);
  }

  /** A file that could not be read at start turned out to hold so many. */
  found(records: number): void {
    this.#counters.issued += records;
    this.#counters.acked += records;
  }

  /** Records that had an id here and go undelivered. Resolves when their count would survive a kill. */
  async dropped(captureIds: readonly string[], reason: DropReason, sentence: string = reason): Promise<void> {
    for (const id of captureIds) this.#statuses.set(id, 'DROPPED', sentence);
    this.#announce('DROPPED', captureIds, sentence);
    await this.#drop(reason, captureIds.length);
  }

  /** A record that may be offered again under its id. Resolves as {@link dropped} does. */
  async refused(reason: DropReason): Promise<void> {
    // A spool that is closed writes nothing any more.
    if (reason === 'closed') this.#counters.drop(reason, 1);
    else await this.#drop(reason, 1);
  }

  /** Damage took so many. Resolves as {@link dropped} does. */
  async lost(records: number): Promise<void> {
    await this.#drop(LOST_REASON, records);
  }

  finished(segment: FinishedSegment): void {
    this.remember(segment);
    if (segment.uploaded.length > 0) this.#counters.lastSuccessMs = this.#clock.wallMs();
    this.#announce('UPLOADED', segment.uploaded);
    this.#announce('QUARANTINED', segment.quarantined, segment.reason);
    this.#announce('DROPPED', segment.dropped, segment.reason);
  }

  /** As {@link finished}, of a segment whose news is old. */
  remember(segment: FinishedSegment): void {
    for (const id of segment.uploaded) this.#statuses.set(id, 'UPLOADED');
    for (const id of segment.quarantined) this.#statuses.set(id, 'QUARANTINED', segment.reason);
    for (const id of segment.dropped) this.#statuses.set(id, 'DROPPED', segment.reason);
    this.#counters.finish(segment);
  }

  /** Goes on from what former lives of the spool counted. */
  carry(tally: Tally): void {
    this.#counters.add(tally);
  }

  /** All files have been read, and so many records wait in them. */
  opened(queued: number): void {
    this.#counters.conclude(queued);
  }

  async #drop(reason: string, records: number): Promise<void> {
    this.#counters.drop(reason, records);
    await this.#kept.add(reason, records);
  }

  #announce(state: StateName, captureIds: readonly string[], reason?: string): void {
    if (captureIds.length > 0) this.#listeners.tell(state, captureIds, reason);
  }
}
