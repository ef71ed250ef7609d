import { Type, type Static } from '@sinclair/typebox';
import { captureId } from './fields.js';

/** Captures of one segment, which came into quarantine together and come back together. */
export const QuarantinedSegment = Type.Object({
  /** The segment's file name as it was in `closed/`. */
  segment: Type.String(),
  records: Type.Integer({ minimum: 0 }),
  sizeBytes: Type.Integer({ minimum: 0 }),
  /** Why the store refused them; absent where an agent of before kept none. */
  reason: Type.Optional(Type.String()),
  /** The first of them: `records` counts all. */
  captureIds: Type.Array(Type.String()),
});
export type QuarantinedSegment = Static<typeof QuarantinedSegment>;

/** Where the next request goes on: absent in the first request, and in the last reply. */
const cursor = Type.Optional(Type.Integer({ minimum: 0 }));

/** Lists captures that the store refused for good, what came first before the rest; by pages. */
export const listQuarantinedOperation = {
  op: 'listQuarantined',
  request: Type.Object({ after: cursor }),
  reply: Type.Object({ segments: Type.Array(QuarantinedSegment), after: cursor }),
} as const;

/** Brings captures back out of quarantine, a few segments a request. Those that are not there any more are no error. */
export const requeueOperation = {
  op: 'requeueCaptures',
  request: Type.Object({
    /** Exactly one of these three. */
    captureIds: Type.Optional(Type.Array(captureId, { minItems: 1, maxItems: 40 })),
    /** A part of the reason, whatever its case. */
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 300 })),
    all: Type.Optional(Type.Literal(true)),
    after: cursor,
  }),
  reply: Type.Object({
    requeued: Type.Array(QuarantinedSegment),
    /** Segments that could not be brought back now; they are still in quarantine. */
    failed: Type.Array(Type.Object({ segment: Type.String(), reason: Type.String() })),
    /** Of the ids that were asked for by name: those that are not in quarantine, and what is known of them. */
    elsewhere: Type.Array(Type.Object({ captureId: Type.String(), state: Type.String() })),
    after: cursor,
  }),
} as const;
