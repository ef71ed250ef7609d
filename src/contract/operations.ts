import { Type, type Static, type TObject } from '@sinclair/typebox';
import { FileRegion, MAX_TENSORS, TensorMetadata, WireTensor } from './tensor.js';
import {
  LABEL_MAX_CHARS,
  LABEL_PATTERN,
  MODEL_NAME_MAX_CHARS,
  MODEL_NAME_PATTERN,
  predictTopic,
  topics,
} from './topics.js';

const modelName = Type.String({ maxLength: MODEL_NAME_MAX_CHARS, pattern: MODEL_NAME_PATTERN });
const version = Type.String({ minLength: 1, maxLength: 64 });
const label = Type.String({ minLength: 1, maxLength: LABEL_MAX_CHARS, pattern: LABEL_PATTERN });
const captureId = Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9._:-]+$' });
const tensors = Type.Array(WireTensor, { maxItems: MAX_TENSORS });
const cursor = Type.Optional(Type.String({ maxLength: 256 }));

/** Which version of a model: at most one of `version` and `label`; none means label `stable`. */
const selector = { version: Type.Optional(version), label: Type.Optional(label) };

/** One operation of the wire: its topic, request and reply. Both ends and the tests share it. */
export interface Operation<Request extends TObject = TObject, Reply extends TObject = TObject> {
  readonly op: string;
  /** The topic of a request; predict has one per model. */
  readonly topic: string;
  readonly request: Request;
  readonly reply: Reply;
}

function operation<Request extends TObject, Reply extends TObject>(
  op: string,
  topic: string,
  request: Request,
  reply: Reply,
): Operation<Request, Reply> {
  return { op, topic, request, reply };
}

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

/** One version of a model on this device, as list gives it. */
export const ModelSummary = Type.Object({
  name: Type.String(),
  version: Type.String(),
  digest: Type.String(),
  labels: Type.Array(Type.String()),
  state: modelState,
  pinned: Type.Optional(Type.Boolean()),
  /** The last failure's sentence, where there was one. */
  reason: Type.Optional(Type.String()),
});
export type ModelSummary = Static<typeof ModelSummary>;

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

export const helloOperation = operation(
  'hello',
  topics.hello,
  Type.Object({
    /** The caller's numeric user id: apps under another user cannot share files with the agent. */
    uid: Type.Optional(Type.Integer({ minimum: 0 })),
    /** A random id per start of the client; a new one sweeps what the former start left. */
    session: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  }),
  Type.Object({
    agentVersion: Type.String(),
    protocol: Type.Integer(),
    thingName: Type.String(),
    fleet: Type.Optional(Type.String()),
    /** Absolute path of the caller's exchange folder (0700). */
    exchangeFolder: Type.String(),
    maxMessageBytes: Type.Integer(),
    startId: Type.String(),
  }),
);

export const listOperation = operation(
  'list',
  topics.list,
  Type.Object({ cursor }),
  Type.Object({ models: Type.Array(ModelSummary), next: Type.Optional(Type.String()) }),
);

export const describeOperation = operation(
  'describe',
  topics.describe,
  Type.Object({ name: modelName, ...selector }),
  ModelDescription,
);

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
  lastInferenceMs: Type.Optional(Type.Number()),
  lastSampleMs: Type.Optional(Type.Number()),
  queue: LatencySummary,
  run: LatencySummary,
  total: LatencySummary,
});
export type ModelStats = Static<typeof ModelStats>;

export const CaptureStats = Type.Object({
  issued: Type.Integer(),
  acked: Type.Integer(),
  delivered: Type.Integer(),
  queuedRecords: Type.Integer(),
  queueBytes: Type.Integer(),
  oldestAgeMs: Type.Integer(),
  lastSuccessMs: Type.Optional(Type.Number()),
  drops: Type.Record(Type.String(), Type.Integer()),
  quarantinedBytes: Type.Integer(),
  mode: Type.Union([Type.Literal('durable'), Type.Literal('interval')]),
});
export type CaptureStats = Static<typeof CaptureStats>;

export const statsOperation = operation(
  'stats',
  topics.stats,
  Type.Object({ model: Type.Optional(modelName), cursor }),
  Type.Object({
    uptimeMs: Type.Number(),
    models: Type.Array(ModelStats),
    capture: Type.Optional(CaptureStats),
    controlStarts: Type.Integer(),
    hostRestarts: Type.Integer(),
    next: Type.Optional(Type.String()),
  }),
);

export const loadOperation = operation(
  'load',
  topics.load,
  Type.Object({
    name: modelName,
    ...selector,
    /** An absolute folder with an unpacked package, as Edge Manager's `url`; absent: a version already admitted. */
    path: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    pinned: Type.Optional(Type.Boolean()),
  }),
  ModelDescription,
);

export const unloadOperation = operation(
  'unload',
  topics.unload,
  Type.Object({ name: modelName, ...selector }),
  Type.Object({}),
);

/** An auxiliary input or output of CaptureData, as Edge Manager allowed beside tensors. */
export const AuxiliaryData = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 256 }),
  encoding: Type.Union(['CSV', 'JSON', 'NONE', 'BASE64'].map((encoding) => Type.Literal(encoding))),
  b64: Type.Optional(Type.String()),
  file: Type.Optional(FileRegion),
  contentType: Type.Optional(Type.String({ maxLength: 128 })),
});
export interface AuxiliaryData {
  name: string;
  encoding: 'CSV' | 'JSON' | 'NONE' | 'BASE64';
  b64?: string;
  file?: FileRegion;
  contentType?: string;
}

export const predictOperation = operation(
  'predict',
  predictTopic('+'),
  Type.Object({
    ...selector,
    inputs: tensors,
    /** Names of wanted outputs; absent: all. */
    outputs: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: MAX_TENSORS })),
    /** Where outputs go that do not fit inline; the region must exist (size checked before writing). */
    outputFile: Type.Optional(FileRegion),
    /** `always` samples this request whatever the policies say, `never` keeps it out. Default: the policies decide. */
    capture: Type.Optional(Type.Union([Type.Literal('always'), Type.Literal('never')])),
    captureId: Type.Optional(captureId),
  }),
  Type.Object({
    model: Type.String(),
    version: Type.String(),
    outputs: tensors,
    /** Present where this request was sampled, or may be by a policy that looks at outputs. */
    captureId: Type.Optional(Type.String()),
    queueMs: Type.Number(),
    runMs: Type.Number(),
  }),
);

export const captureSubmitOperation = operation(
  'capture',
  topics.captureSubmit,
  Type.Object({
    modelName,
    version: Type.Optional(version),
    captureId,
    /** Edge Manager's own Timestamp: refused with OUT_OF_RANGE when in the future. Absent: now. */
    inferenceTimestamp: Type.Optional(
      Type.Object({
        seconds: Type.Integer(),
        nanos: Type.Optional(Type.Integer({ minimum: 0, maximum: 999_999_999 })),
      }),
    ),
    inputTensors: Type.Optional(tensors),
    outputTensors: Type.Optional(tensors),
    inputs: Type.Optional(Type.Array(AuxiliaryData, { maxItems: MAX_TENSORS })),
    outputs: Type.Optional(Type.Array(AuxiliaryData, { maxItems: MAX_TENSORS })),
  }),
  Type.Object({
    captureId: Type.String(),
    mode: Type.Union([Type.Literal('durable'), Type.Literal('interval')]),
  }),
);

/** Edge Manager's enumeration, and where the record is in our own words. */
export const captureStatusOperation = operation(
  'captureStatus',
  topics.captureStatus,
  Type.Object({ captureId }),
  Type.Object({
    captureId: Type.String(),
    status: Type.Union(['FAILURE', 'SUCCESS', 'IN_PROGRESS', 'NOT_FOUND'].map((s) => Type.Literal(s))),
    state: Type.Union(
      ['PENDING', 'SPOOLED', 'UPLOADED', 'DROPPED', 'QUARANTINED', 'UNKNOWN'].map((s) => Type.Literal(s)),
    ),
    reason: Type.Optional(Type.String()),
  }),
);
export type CaptureState = 'PENDING' | 'SPOOLED' | 'UPLOADED' | 'DROPPED' | 'QUARANTINED' | 'UNKNOWN';
export type CaptureStatusValue = 'FAILURE' | 'SUCCESS' | 'IN_PROGRESS' | 'NOT_FOUND';

export const registerOperation = operation(
  'register',
  topics.register,
  Type.Object({
    /** The model component that asks. */
    component: Type.String({ minLength: 1, maxLength: 128 }),
    componentVersion: Type.Optional(version),
    /** Its artifact folder, absolute. */
    path: Type.String({ minLength: 1, maxLength: 1024 }),
  }),
  Type.Object({
    verdict: Type.Union(
      ['ADMITTED', 'ALREADY_ADMITTED', 'ADMITTED_WITH_WARNING'].map((verdict) => Type.Literal(verdict)),
    ),
    model: Type.String(),
    version: Type.String(),
    digest: Type.String(),
    switchMs: Type.Optional(Type.Number()),
    warning: Type.Optional(Type.String()),
  }),
);

/** All operations; the responder, docs/protocol and its test walk this table. */
export const operations = {
  hello: helloOperation,
  list: listOperation,
  describe: describeOperation,
  stats: statsOperation,
  load: loadOperation,
  unload: unloadOperation,
  predict: predictOperation,
  capture: captureSubmitOperation,
  captureStatus: captureStatusOperation,
  register: registerOperation,
} as const;
export type OperationName = keyof typeof operations;
export type RequestOf<Name extends OperationName> = Static<(typeof operations)[Name]['request']>;
export type ReplyOf<Name extends OperationName> = Static<(typeof operations)[Name]['reply']>;
