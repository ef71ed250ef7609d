import { Type, type Static } from '@sinclair/typebox';
import type { FinishedSegment } from './tally.js';

const integer = Type.Integer({ minimum: 0 });

/** What became of one object; its records share its fate. */
export const ReceiptObject = Type.Object({
  key: Type.String(),
  sizeBytes: integer,
  sha256: Type.String(),
  captureIds: Type.Array(Type.String()),
  outcome: Type.Union([Type.Literal('uploaded'), Type.Literal('quarantined'), Type.Literal('dropped')]),
  reason: Type.Optional(Type.String()),
});
export type ReceiptObject = Static<typeof ReceiptObject>;

/**
 * `done/<segment base>.receipt`: a segment is finished and the agent may delete it. Written by the uploader (objects
 * uploaded or given up), and by the agent where it evicts a segment (one entry, outcome `dropped`).
 */
export const Receipt = Type.Object({
  v: Type.Literal(1),
  /** The segment's file name in `closed/`. */
  segment: Type.String(),
  lastSequence: integer,
  finishedMs: Type.Number(),
  /** Record objects only; the raw files that they refer to were stored before them. */
  objects: Type.Array(ReceiptObject),
  /** Records that could not be read any more. */
  lostRecords: integer,
});
export type Receipt = Static<typeof Receipt>;

export function segmentOfReceipt(base: string, receipt: Receipt): FinishedSegment {
  const { objects, lastSequence, finishedMs, lostRecords } = receipt;
  const ids = (outcome: ReceiptObject['outcome']): string[] =>
    objects.filter((object) => object.outcome === outcome).flatMap(({ captureIds }) => captureIds);
  const reason = objects.find((object) => object.reason !== undefined)?.reason;
  return {
    base,
    lastSequence,
    finishedMs,
    uploaded: ids('uploaded'),
    quarantined: ids('quarantined'),
    dropped: ids('dropped'),
    ...(reason === undefined ? {} : { reason }),
    ...(lostRecords === 0 ? {} : { lost: lostRecords }),
  };
}
