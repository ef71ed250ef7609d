import { Type, type Static } from '@sinclair/typebox';
import { MODEL_STATES } from './models.js';
import { Trouble } from './trouble.js';

/** The named shadow that holds a device's last heartbeat, on both nuclei. */
export const HEARTBEAT_SHADOW = 'edge-manager';

/** AWS IoT refuses a shadow document above this. */
export const HEARTBEAT_MAX_BYTES = 8192;

/** Where a device reports to: an update of its named shadow. */
export function heartbeatTopic(thingName: string): string {
  return `$aws/things/${thingName}/shadow/name/${HEARTBEAT_SHADOW}/update`;
}

/** One version of a model. Times are milliseconds since the Unix epoch; counters start with the agent. */
export const HeartbeatModel = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 63 }),
  version: Type.String({ minLength: 1, maxLength: 64 }),
  state: Type.Union(MODEL_STATES.map((state) => Type.Literal(state))),
  /** The deployed version is another one: the device rolled it back or quarantined it. */
  drifted: Type.Optional(Type.Boolean()),
  /** What the deployment wants, where another version serves. */
  wanted: Type.Optional(Type.Boolean()),
  /** It serves since before rules of admission that it breaks: see `reason`. */
  unadmitted: Type.Optional(Type.Boolean()),
  /** The agent's configuration revokes it, or a key that signed it. */
  revoked: Type.Optional(Type.Boolean()),
  /** The execution provider that computes it, where that is not the agent's own ONNX Runtime on the CPU. */
  provider: Type.Optional(Type.String({ maxLength: 128 })),
  /** A provider that its configuration names computes nothing of it: `describe` says why. */
  fallback: Type.Optional(Type.Boolean()),
  /** Samples of it were captured since the last heartbeat. */
  sampling: Type.Optional(Type.Boolean()),
  lastInferenceMs: Type.Optional(Type.Number()),
  lastSampleMs: Type.Optional(Type.Number()),
  requests: Type.Optional(Type.Integer({ minimum: 0 })),
  errors: Type.Optional(Type.Integer({ minimum: 0 })),
  p50Ms: Type.Optional(Type.Number({ minimum: 0 })),
  p99Ms: Type.Optional(Type.Number({ minimum: 0 })),
  reason: Type.Optional(Type.String({ maxLength: 200 })),
});
export type HeartbeatModel = Static<typeof HeartbeatModel>;

/** What an agent knows of itself. */
export const HeartbeatDocument = Type.Object({
  agentVersion: Type.String({ minLength: 1, maxLength: 64 }),
  /** Edge Manager's device name; the thing's name where none was given. */
  device: Type.String({ minLength: 1, maxLength: 128 }),
  fleet: Type.String({ maxLength: 128 }),
  models: Type.Array(HeartbeatModel),
  capture: Type.Object({
    delivered: Type.Integer({ minimum: 0 }),
    dropped: Type.Integer({ minimum: 0 }),
    queuedRecords: Type.Integer({ minimum: 0 }),
    queueBytes: Type.Integer({ minimum: 0 }),
    /** Of `dropped`: captures in quarantine, which the operator may bring back. Absent: none. */
    quarantined: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
  /** Its admin socket takes more than a new device's would, as nobody has set `admin.operations`. */
  adminOpen: Type.Optional(Type.Boolean()),
  /** Seconds without a connection to the nucleus, over all losses that are over. Absent: none. */
  deafSeconds: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Where the kernel can't hold model hosts to their own files: what they have instead, in one phrase. */
  unconfined: Type.Optional(Type.String({ maxLength: 200 })),
  lastError: Type.Optional(Trouble),
  /** Why the uploader's newest configuration is not in force. Absent: it is, or no uploader has said so of late. */
  uploadError: Type.Optional(Trouble),
});
export type HeartbeatDocument = Static<typeof HeartbeatDocument>;

/**
 * `state.reported` of the shadow. `models` is a list, as an update replaces lists whole but merges objects, so
 * that a model which is gone leaves nothing behind. `summary` says the same in one string: fleet indexing
 * aggregates strings, never lists, and an account has few custom fields.
 */
export const HeartbeatReport = Type.Composite([
  HeartbeatDocument,
  Type.Object({
    v: Type.Literal(1),
    sentAtMs: Type.Number(),
    intervalMinutes: Type.Number(),
    summary: Type.String(),
    /** The highest p99 of a serving model; 0 without one. */
    p99Ms: Type.Number(),
  }),
]);
export type HeartbeatReport = Static<typeof HeartbeatReport>;
