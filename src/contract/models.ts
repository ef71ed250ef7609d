import { Type, type Static } from '@sinclair/typebox';
import { TensorMetadata } from './tensor.js';

export const MODEL_STATES = [
  'LOADING',
  'SERVING',
  'PROBATION',
  'UNLOADED',
  'RETIRING',
  'FAILED',
  'QUARANTINED',
  'ROLLED_BACK',
] as const;
const modelState = Type.Union(MODEL_STATES.map((state) => Type.Literal(state)));
export type ModelState = (typeof MODEL_STATES)[number];

/** The labels that the agent itself gives: of what serves, and of what it replaced. */
export const STABLE = 'stable';
export const PREVIOUS = 'previous';

/** One version of a model on this device, as list gives it. */
export const ModelSummary = Type.Object({
  name: Type.String(),
  version: Type.String(),
  digest: Type.String(),
  labels: Type.Array(Type.String()),
  state: modelState,
  pinned: Type.Optional(Type.Boolean()),
  /** The agent's configuration revokes it, or a key that signed it: see `reason`. */
  revoked: Type.Optional(Type.Boolean()),
  /** The last failure's sentence, where there was one; or why it would not be admitted any more. */
  reason: Type.Optional(Type.String()),
});
export type ModelSummary = Static<typeof ModelSummary>;

/** What computes a model that does not run in the agent's own ONNX Runtime. */
export const ModelEngine = Type.Object({
  /** Such as `python 3.10.12`. */
  language: Type.String(),
  /** ONNX Runtime's. */
  version: Type.String(),
  /** The execution provider that computes most of the graph. */
  provider: Type.String(),
  /** Wanted providers that compute nothing here, with why. */
  missing: Type.Optional(Type.Record(Type.String(), Type.String())),
});
export type ModelEngine = Static<typeof ModelEngine>;

export const ModelDescription = Type.Composite([
  ModelSummary,
  Type.Object({
    inputs: Type.Array(TensorMetadata),
    outputs: Type.Array(TensorMetadata),
    path: Type.Optional(Type.String()),
    component: Type.Optional(Type.String()),
    /** Measured (PSS), bytes; absent while not loaded. */
    memoryBytes: Type.Optional(Type.Integer()),
    loadMs: Type.Optional(Type.Number()),
    signature: Type.Optional(Type.String()),
    /** Absent: the agent's own ONNX Runtime on the CPU, or the model is not loaded. */
    engine: Type.Optional(ModelEngine),
    probation: Type.Optional(
      Type.Object({
        remainingMs: Type.Number(),
        remainingRequests: Type.Integer(),
        requests: Type.Integer(),
        errors: Type.Integer(),
        nonFinite: Type.Integer(),
      }),
    ),
  }),
]);
export type ModelDescription = Static<typeof ModelDescription>;

export const LatencySummary = Type.Object({
  count: Type.Integer(),
  p50Ms: Type.Number(),
  p90Ms: Type.Number(),
  p99Ms: Type.Number(),
  maxMs: Type.Number(),
});
export type LatencySummary = Static<typeof LatencySummary>;

export const ModelStats = Type.Object({
  name: Type.String(),
  version: Type.String(),
  state: modelState,
  requests: Type.Integer(),
  errors: Type.Integer(),
  errorsByCode: Type.Record(Type.String(), Type.Integer()),
  inFlight: Type.Integer(),
  queued: Type.Integer(),
  memoryBytes: Type.Optional(Type.Integer()),
  /** As in `engine` of a description. */
  provider: Type.Optional(Type.String()),
  lastInferenceMs: Type.Optional(Type.Number()),
  lastSampleMs: Type.Optional(Type.Number()),
  queue: LatencySummary,
  run: LatencySummary,
  total: LatencySummary,
});
export type ModelStats = Static<typeof ModelStats>;
