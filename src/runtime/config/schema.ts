import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { CaptureConfigSchema } from '../../capture/mod.js';
import { MODEL_NAME_MAX_CHARS, MODEL_NAME_PATTERN } from '../../contract/mod.js';
import { COMPONENT_NAME_PATTERN, DEFAULT_PACKAGE_QUOTA_MB } from '../../model/mod.js';
import { LOG_LEVELS, type LogLevel } from '../../core/mod.js';
import { ADMIN_OPERATIONS } from './admin-operations.js';

const strict = { additionalProperties: false } as const;
const DAY_SECONDS = 86_400;
const RFC3339 = String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`;

function oneOf<const T extends string>(values: readonly T[], fallback: T): TSchema & { static: T } {
  return Type.Unsafe<T>(Type.String({ enum: [...values], default: fallback }));
}
const integer = (fallback: number, minimum: number, maximum: number) =>
  Type.Integer({ default: fallback, minimum, maximum });
const number = (fallback: number, minimum: number, maximum: number) =>
  Type.Number({ default: fallback, minimum, maximum });
const modelName = Type.String({ maxLength: MODEL_NAME_MAX_CHARS, pattern: MODEL_NAME_PATTERN });
const componentName = Type.String({ maxLength: 128, pattern: COMPONENT_NAME_PATTERN });
const text = Type.String({ minLength: 1, maxLength: 1023 });

/** Requests wait here, never in a model host. */
const Queue = Type.Object(
  {
    /** Requests that may wait per model; the next is refused with RESOURCE_EXHAUSTED. */
    limit: integer(64, 1, 10_000),
    /** Requests of one model that may be in its host at once: with two, it need not idle while a reply travels. */
    concurrency: integer(2, 1, 64),
    /** No prediction may take longer, whatever deadline its caller set. */
    maxDeadlineMs: integer(60_000, 1, 600_000),
  },
  { ...strict, default: {} },
);

/** How a version proves itself after a switch; see plan/probation.ts. */
const Probation = Type.Object(
  {
    enabled: Type.Boolean({ default: true }),
    /** Probation lasts at least this long ... */
    durationSeconds: integer(300, 0, 7 * DAY_SECONDS),
    /** ... and at least this many requests, but never more than a day. */
    requests: integer(200, 0, 1_000_000),
    /** No verdict on rates or latency before this many requests. */
    minimumRequests: integer(20, 1, 100_000),
    /** Breach where the share of failed requests exceeds the former version's by more than this. */
    errorRate: number(0.1, 0, 1),
    /** Breach where the share of outputs with NaN or infinity exceeds the former version's by more than this. */
    nonFiniteRate: number(0, 0, 1),
    /** Breach where the median run takes more than this many times the former version's; 0: latency is not judged. */
    latencyFactor: number(4, 0, 1000),
    /** Medians below this are never a breach. */
    latencyFloorMs: number(10, 0, 600_000),
  },
  { ...strict, default: {} },
);

const keyId = Type.String({ pattern: '^[0-9a-f]{64}$' });
const time = Type.String({ pattern: RFC3339, maxLength: 40 });

/** Narrows the trust in a key; see model/trust/key-rules.ts. */
const KeyRule = Type.Object(
  {
    key: keyId,
    validFrom: Type.Optional(time),
    validUntil: Type.Optional(time),
    subjects: Type.Optional(Type.Array(text, { minItems: 1, maxItems: 32 })),
  },
  strict,
);

/** What nothing new is admitted by: keys by the SHA-256 of their PEM, packages by the SHA-256 of their manifest. */
const Revoked = Type.Object(
  {
    keys: Type.Optional(Type.Array(keyId, { maxItems: 256 })),
    packages: Type.Optional(Type.Array(keyId, { maxItems: 1024 })),
  },
  strict,
);

const Signature = Type.Object(
  {
    policy: oneOf(['required', 'if-present', 'off'], 'if-present'),
    /** PEM public keys or certificates. */
    trustedKeys: Type.Array(Type.String({ maxLength: 16_384 }), { maxItems: 16, default: [] }),
    /** A file with PEM blocks, for keys that would swell the component's configuration. */
    trustedKeysFile: Type.Optional(text),
    keyRules: Type.Optional(Type.Array(KeyRule, { maxItems: 64 })),
    revoked: Type.Optional(Revoked),
    /** Whether a revoked model that serves is unloaded; it is told of in any case. Default: it serves on. */
    unloadRevoked: Type.Optional(Type.Boolean()),
  },
  { ...strict, default: {} },
);

const Capture = Type.Object(
  {
    /** For every model that has no entry in `models`: policies, redaction and what goes into records. */
    ...CaptureConfigSchema.properties,
    models: Type.Record(Type.String(), CaptureConfigSchema, { default: {} }),
    mode: oneOf(['durable', 'interval'], 'durable'),
    /** In interval mode: what a power cut may take. */
    intervalMs: integer(1000, 10, 60_000),
    /** In durable mode: the shortest time between two commits of a class; 50 spares an SD card. */
    wearMs: integer(0, 0, 1000),
    atQuota: oneOf(['refuse', 'drop-oldest', 'drop-newest'], 'refuse'),
    quotaMb: Type.Object(
      {
        error: integer(256, 1, 1_000_000),
        outlier: integer(256, 1, 1_000_000),
        sample: integer(512, 1, 1_000_000),
      },
      { ...strict, default: {} },
    ),
    /** Records in one object, as Edge Manager's CaptureDataBatchSize. */
    batchSize: integer(10, 1, 10_000),
    /** A segment is closed at this age at the latest, as CaptureDataPushPeriodSeconds. */
    pushPeriodSeconds: number(4, 0.1, DAY_SECONDS),
    /** Submitted captures of one component that may wait for their commit, as CaptureDataBufferSize; the next is refused. */
    bufferSize: integer(30, 1, 100_000),
    /** Bytes of a tensor that stand in the record; larger ones are objects of their own. */
    embedLimit: integer(3072, 0, 1_048_576),
    folderPrefix: Type.String({ maxLength: 512, default: 'sme-capture' }),
  },
  { ...strict, default: {} },
);

const provider = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9]*ExecutionProvider$', maxLength: 128 });
const providerOptions = Type.Record(
  Type.String({ minLength: 1, maxLength: 128 }),
  Type.Union([Type.String({ maxLength: 4096 }), Type.Number(), Type.Boolean()]),
  { maxProperties: 64 },
);

/** What computes a model: the agent's own ONNX Runtime, or the one of this device's Python. */
const ModelEngine = Type.Object(
  {
    engine: Type.Unsafe<'node' | 'python'>(Type.String({ enum: ['node', 'python'] })),
    /** In order of preference; the CPU takes what they leave. */
    providers: Type.Optional(Type.Array(provider, { maxItems: 8, uniqueItems: true })),
    /** By provider, as ONNX Runtime documents them. */
    providerOptions: Type.Optional(Type.Record(Type.String(), providerOptions, { maxProperties: 8 })),
    /** The model is refused where this provider computes nothing of it; absent: the CPU takes its place. */
    requireProvider: Type.Optional(provider),
  },
  strict,
);

const Python = Type.Object(
  {
    /** A program in PATH, or an absolute path. */
    interpreter: Type.String({ minLength: 1, maxLength: 1023, default: 'python3' }),
  },
  { ...strict, default: {} },
);

const Engines = Type.Object(
  {
    python: Python,
    models: Type.Record(modelName, ModelEngine, {
      default: {},
      maxProperties: 64,
      additionalProperties: false,
    }),
  },
  { ...strict, default: {} },
);

/** One model that this device should have, as the deploy module writes it. */
const WantedModel = Type.Object(
  {
    name: modelName,
    version: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    /** Never unloaded for memory. */
    pinned: Type.Optional(Type.Boolean()),
  },
  strict,
);

/** The socket for apps on the device that do without the broker. */
const Endpoint = Type.Object(
  {
    /** Absolute; absent: `endpoint.sock` in the agent's work folder. A unix socket's path holds 107 bytes. */
    unixSocket: Type.Optional(Type.String({ pattern: '^/[^\\0]*$', maxLength: 107 })),
    /** Name or number of the group that may open it beside the agent's user. */
    group: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$' })),
    /** Models that it is for; absent: all. */
    models: Type.Optional(Type.Array(modelName, { maxItems: 64, uniqueItems: true })),
    /** Whether it takes `load` and `unload`. */
    control: Type.Optional(Type.Boolean()),
  },
  strict,
);

/** The agent's whole configuration. Every key has a default, but those whose absence means something. */
export const ConfigurationSchema = Type.Object(
  {
    fleet: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
    /** The device's name in captured records; absent: the IoT thing's name. */
    deviceName: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    /** `shared`: one host process for all models, for small devices. */
    isolation: oneOf(['model', 'shared'], 'model'),
    /** `latency` lets idle threads spin: quicker, at the price of a busy core. */
    profile: oneOf(['efficient', 'latency'], 'efficient'),
    /** Inference threads over all models; 0: one per core. */
    threadBudget: integer(0, 0, 256),
    /** Memory of all model hosts; 0: half of the machine's. */
    memoryBudgetMb: integer(0, 0, 1_000_000),
    /** A host that outgrows this is killed; 0: no limit; absent: it follows from what its package took at admission. */
    maxHostMb: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    /** Whether a model host is started ahead for whichever model loses its own; absent: where the machine has 2 GB. */
    spareHost: Type.Optional(Type.Boolean()),
    loadTimeoutMs: integer(120_000, 1000, 600_000),
    /**
     * Whether model hosts give up the rights that they have no use for: `if-possible` as far as this device can,
     * `required` loads no model where the kernel can't hold a host to its own files.
     */
    hostConfinement: oneOf(['if-possible', 'required', 'off'], 'if-possible'),
    /** Where large tensors pass between app and model, absolute; the agent makes a folder of its own there. */
    exchangeFolder: Type.String({ pattern: '^/[^\\0]*$', maxLength: 1023, default: '/dev/shm' }),
    /** By model name; a model without an entry runs in the agent's own ONNX Runtime. */
    engines: Engines,
    queue: Queue,
    probation: Probation,
    signature: Signature,
    capture: Capture,
    logLevel: Type.Unsafe<LogLevel>(Type.String({ enum: [...LOG_LEVELS], default: 'info' })),
    /** Absent: nobody reconciles by a list; a model goes when its component's artifacts have gone. */
    models: Type.Optional(Type.Array(WantedModel, { maxItems: 64 })),
    /** Model name to the component that it belongs to; absent: to the first one whose package served under it. */
    modelOwners: Type.Record(modelName, componentName, {
      default: {},
      maxProperties: 64,
      additionalProperties: false,
    }),
    /** The socket for shells on the device. */
    admin: Type.Object(
      {
        /** What it may be asked for; absent: what changes nothing, and predictions. */
        operations: Type.Optional(
          Type.Array(Type.String({ enum: [...ADMIN_OPERATIONS] }), { maxItems: 32, uniqueItems: true }),
        ),
      },
      { ...strict, default: {} },
    ),
    /** Absent: none. */
    endpoint: Type.Optional(Endpoint),
    /** Disk for the agent's own copies of packages. */
    packageQuotaMb: integer(DEFAULT_PACKAGE_QUOTA_MB, 1, 1_000_000),
    /** Minutes between two reports to the fleet; 0: none are sent. */
    heartbeat: Type.Object({ intervalMinutes: integer(60, 0, 1440) }, { ...strict, default: {} }),
  },
  { ...strict, default: {} },
);
export type Configuration = Static<typeof ConfigurationSchema>;
