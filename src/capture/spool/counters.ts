import { LOST_REASON, QUARANTINED_REASON, tallyOf, type FinishedSegment, type Tally } from './tally.js';

/**
 * What became of all records of this spool, over restarts: issued = delivered + dropped + queued. Deliveries and the
 * drops of whole segments come from the files in `done/`, the other drops from `counts/`.
 */
export class Counters {
  issued = 0;
  acked = 0;
  delivered = 0;
  lastSuccessMs: number | undefined;
  /** Of the quarantined ones: how many came back into the spool. */
  requeued = 0;
  readonly #drops = new Map<string, number>();

  drop(reason: string, records: number): void {
    if (records > 0) this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + records);
  }

  finish(segment: FinishedSegment): void {
    this.add(tallyOf(segment));
  }

  add({ delivered, drops }: Tally): void {
    this.delivered += delivered;
    for (const [reason, records] of Object.entries(drops)) this.drop(reason, records);
  }

  /** What files tell of former lives stands here by now, and `queued` wait: so many must have been issued. */
  conclude(queued: number): void {
    const drops = [...this.#drops.values()].reduce((sum, records) => sum + records, 0);
    this.issued = this.delivered + queued + drops - this.requeued;
    this.acked = this.delivered + queued - this.requeued;
    for (const reason of DROPPED_AFTER_ACK) this.acked += this.#drops.get(reason) ?? 0;
  }

  /**
   * The drops by reason. All that was ever quarantined is still there (`heldRecords`), came back, or had to go as the
   * quarantine was full: what is known of the first two tells the third, whoever deleted and whenever a kill came.
   */
  drops(heldRecords: number): Record<string, number> {
    const { quarantined = 0, ...others } = Object.fromEntries(this.#drops);
    const here = Math.max(0, quarantined - this.requeued);
    const held = Math.min(here, heldRecords);
    return {
      ...others,
      ...(held === 0 ? {} : { [QUARANTINED_REASON]: held }),
      ...(here === held ? {} : { 'quarantine-full': here - held }),
    };
  }
}

const DROPPED_AFTER_ACK = [QUARANTINED_REASON, 'quota:drop-oldest', LOST_REASON];
