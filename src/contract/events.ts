import { Type, type Static } from '@sinclair/typebox';
import { Trouble } from './trouble.js';

/** On `events/models`: what became of a version. */
export const ModelEvent = Type.Object({
  v: Type.Literal(1),
  type: Type.Union(
    [
      'ADMITTED',
      'REFUSED',
      'SWITCHED',
      'ROLLED_BACK',
      'PROBATION_PASSED',
      'UNLOADED',
      'QUARANTINED',
      'HOST_RESTARTED',
    ].map((type) => Type.Literal(type)),
  ),
  model: Type.String(),
  version: Type.String(),
  from: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
});
export interface ModelEvent {
  v: 1;
  type:
    | 'ADMITTED'
    | 'REFUSED'
    | 'SWITCHED'
    | 'ROLLED_BACK'
    | 'PROBATION_PASSED'
    | 'UNLOADED'
    | 'QUARANTINED'
    | 'HOST_RESTARTED';
  model: string;
  version: string;
  from?: string;
  reason?: string;
}

/** On `events/capture`: captures that were spooled, delivered or dropped since the last event. */
export const CaptureEvent = Type.Object({
  v: Type.Literal(1),
  state: Type.Union(['SPOOLED', 'UPLOADED', 'DROPPED', 'QUARANTINED'].map((state) => Type.Literal(state))),
  captureIds: Type.Array(Type.String()),
  reason: Type.Optional(Type.String()),
});
export interface CaptureEvent {
  v: 1;
  state: 'SPOOLED' | 'UPLOADED' | 'DROPPED' | 'QUARANTINED';
  captureIds: string[];
  reason?: string;
}

/** On `spool/closed` (agent to uploader) and `spool/result` (uploader to agent): hints only, the files are the truth. */
export const SpoolClosed = Type.Object({ v: Type.Literal(1), segment: Type.String({ maxLength: 200 }) });
export type SpoolClosed = Static<typeof SpoolClosed>;
export const SpoolResult = Type.Object({
  v: Type.Literal(1),
  /** Empty where the notice is about the uploader only. */
  segment: Type.String({ maxLength: 200 }),
  objects: Type.Integer({ minimum: 0 }),
  records: Type.Integer({ minimum: 0 }),
  /** Why the uploader's newest configuration is not in force; null: it is. Absent: nothing is said of it. */
  refusal: Type.Optional(Type.Union([Trouble, Type.Null()])),
});
export type SpoolResult = Static<typeof SpoolResult>;

/** An uploader repeats a refusal this often: an agent that starts later hears of it, and forgets it with its uploader. */
export const REFUSAL_REPEAT_MS = 5_000;
