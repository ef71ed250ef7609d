import { Type, type Static } from '@sinclair/typebox';
import { MAX_SEQUENCE } from './segment-name.js';

const count = Type.Integer({ minimum: 0 });

/** A finished segment in few words. */
export const FinishedSegment = Type.Object({
  base: Type.String(),
  lastSequence: Type.Integer({ minimum: 0, maximum: MAX_SEQUENCE }),
  finishedMs: Type.Number(),
  uploaded: Type.Array(Type.String()),
  quarantined: Type.Array(Type.String()),
  dropped: Type.Array(Type.String()),
  reason: Type.Optional(Type.String()),
  /** Records that could not be read any more; absent: none. */
  lost: Type.Optional(count),
  /** Records that were uploaded and whose ids are not known any more; absent: none. */
  unnamed: Type.Optional(count),
});
export type FinishedSegment = Static<typeof FinishedSegment>;

/** How many records were delivered, and dropped by reason. */
export const Tally = Type.Object({ delivered: count, drops: Type.Record(Type.String(), count) });
export type Tally = Static<typeof Tally>;

export const NO_TALLY: Tally = { delivered: 0, drops: {} };

/** Under this, records that damage took are counted. */
export const LOST_REASON = 'damaged';

/** Under this, records that the store refused for good. */
export const QUARANTINED_REASON = 'quarantined';

export function tallyOf({ uploaded, quarantined, dropped, lost, unnamed }: FinishedSegment): Tally {
  const drops = [
    [QUARANTINED_REASON, quarantined.length],
    ['quota:drop-oldest', dropped.length],
    [LOST_REASON, lost ?? 0],
  ] as const;
  return {
    delivered: uploaded.length + (unnamed ?? 0),
    drops: Object.fromEntries(drops.filter(([, records]) => records > 0)),
  };
}

export function sumOf(tallies: readonly Tally[]): Tally {
  const drops = new Map<string, number>();
  for (const tally of tallies) {
    for (const [reason, records] of Object.entries(tally.drops)) {
      drops.set(reason, (drops.get(reason) ?? 0) + records);
    }
  }
  return {
    delivered: tallies.reduce((sum, { delivered }) => sum + delivered, 0),
    drops: Object.fromEntries(drops),
  };
}

/** All records of a tally; of two tallies of one spool the later one has more. */
export function recordsIn({ delivered, drops }: Tally): number {
  return Object.values(drops).reduce((sum, records) => sum + records, delivered);
}
