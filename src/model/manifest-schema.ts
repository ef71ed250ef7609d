import { Type, type Static } from '@sinclair/typebox';
import {
  DATATYPES,
  LABEL_MAX_CHARS,
  LABEL_PATTERN,
  MAX_RANK,
  MAX_SYMBOL_CHARS,
  MAX_TENSOR_NAME_CHARS,
  MAX_TENSORS,
  MODEL_NAME_MAX_CHARS,
  MODEL_NAME_PATTERN,
  PREVIOUS,
  STABLE,
  type Datatype,
} from '../contract/mod.js';
import { COMPONENT_NAME_PATTERN, FILE_NAME_MAX_LENGTH, FILE_NAME_PATTERN } from './names.js';

const strict = { additionalProperties: false } as const;
const Text = Type.String({ minLength: 1, maxLength: 1024 });
const FileName = Type.String({ pattern: FILE_NAME_PATTERN, maxLength: FILE_NAME_MAX_LENGTH });
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** onnxruntime reads a model as one protobuf message, which ends at 2 GiB; larger weights lie in several files. */
export const FILE_MAX_BYTES = 2 ** 31 - 1;
export const MODEL_NAME = Type.String({ pattern: MODEL_NAME_PATTERN, maxLength: MODEL_NAME_MAX_CHARS });

/** `weights`: of the model, which names the file by its path here. */
export const FILE_ROLES = [
  'model',
  'weights',
  'samples',
  'baseline',
  'report',
  'licence',
  'labels',
  'other',
] as const;
export type FileRole = (typeof FILE_ROLES)[number];

export const PackageFileSchema = Type.Object(
  {
    path: FileName,
    role: Type.Unsafe<FileRole>(Type.String({ enum: [...FILE_ROLES] })),
    sizeBytes: Type.Integer({ minimum: 0, maximum: FILE_MAX_BYTES }),
    sha256: Sha256,
  },
  strict,
);

/** What a tensor means to people and tools; nothing of it changes how the model runs. */
export const SemanticsSchema = Type.Object(
  {
    kind: Type.Optional(Text),
    description: Type.Optional(Text),
    layout: Type.Optional(Text),
    unit: Type.Optional(Text),
    range: Type.Optional(Type.Tuple([Type.Number(), Type.Number()])),
  },
  strict,
);

/** One input or output. A dimension is a size, -1 (any), or a symbol's name (any, but equal wherever it stands). */
export const TensorSpecSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: MAX_TENSOR_NAME_CHARS }),
    datatype: Type.Unsafe<Datatype>(Type.String({ enum: [...DATATYPES] })),
    shape: Type.Array(
      Type.Union([
        Type.Integer({ minimum: -1, maximum: 2 ** 31 - 1 }),
        Type.String({ minLength: 1, maxLength: MAX_SYMBOL_CHARS }),
      ]),
      { maxItems: MAX_RANK },
    ),
    semantics: Type.Optional(SemanticsSchema),
  },
  strict,
);

/** An output passes where |got - expected| <= absolute + relative * |expected|. */
export const ToleranceSchema = Type.Object(
  { absolute: Type.Number({ minimum: 0 }), relative: Type.Number({ minimum: 0 }) },
  strict,
);

/** What capture does where the device's configuration says nothing else; capture itself checks each policy. */
export const CaptureDefaultsSchema = Type.Object({
  inputs: Type.Optional(Type.Boolean()),
  outputs: Type.Optional(Type.Boolean()),
  policies: Type.Optional(Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: 32 })),
});

export const ResourceEstimateSchema = Type.Object(
  {
    memoryBytes: Type.Optional(Type.Integer({ minimum: 0 })),
    threads: Type.Optional(Type.Integer({ minimum: 1, maximum: 256 })),
  },
  strict,
);

/** No version may ask for these: the agent itself gives them. */
export const RESERVED_LABELS: readonly string[] = [STABLE, PREVIOUS];

/** Further labels under which apps may address this version; each goes over to the newest version that asks for it. */
export const VersionLabelsSchema = Type.Array(
  Type.String({ minLength: 1, maxLength: LABEL_MAX_CHARS, pattern: LABEL_PATTERN }),
  { minItems: 1, maxItems: 8, uniqueItems: true },
);

/** Where the model came from. Nothing here is checked on the device; the signature vouches for it. */
export const ProvenanceSchema = Type.Object(
  {
    commit: Type.Optional(Text),
    repository: Type.Optional(Text),
    trainingJob: Type.Optional(Text),
    data: Type.Optional(Type.Array(Text, { maxItems: 64 })),
    modelPackageArn: Type.Optional(Text),
    approval: Type.Optional(
      Type.Object({ status: Text, by: Type.Optional(Text), description: Type.Optional(Text) }, strict),
    ),
    /** SHA-256 of the model file as it was before compilation. */
    sourceSha256: Type.Optional(Sha256),
  },
  strict,
);

export const TARGETS = ['any', 'linux-x64', 'linux-arm64'] as const;
export type Target = (typeof TARGETS)[number];

export const ManifestSchema = Type.Object(
  {
    formatVersion: Type.Literal(1),
    name: MODEL_NAME,
    version: Type.String({ minLength: 5, maxLength: 64 }),
    componentName: Type.String({ pattern: COMPONENT_NAME_PATTERN, maxLength: 128 }),
    description: Type.Optional(Text),
    target: Type.Unsafe<Target>(Type.String({ enum: [...TARGETS] })),
    minimumRuntimeVersion: Type.String({ minLength: 5, maxLength: 64 }),
    /** Every file of the package but the manifest and its signature, sorted by path. */
    files: Type.Array(PackageFileSchema, { minItems: 1, maxItems: 1000 }),
    model: Type.Object(
      {
        file: FileName,
        irVersion: Type.Integer({ minimum: 1 }),
        /** Version of the default operator set (ai.onnx); 0 where the graph has no use for it. */
        opset: Type.Integer({ minimum: 0 }),
        /** All operator sets that the graph imports, the default one under its name `ai.onnx`. */
        domains: Type.Array(Type.Object({ domain: Text, version: Type.Integer({ minimum: 1 }) }, strict)),
      },
      strict,
    ),
    /** None: the model gives the same at each run, or what its own random operators give. */
    inputs: Type.Array(TensorSpecSchema, { maxItems: MAX_TENSORS }),
    outputs: Type.Array(TensorSpecSchema, { minItems: 1, maxItems: MAX_TENSORS }),
    versionLabels: Type.Optional(VersionLabelsSchema),
    /** Class names by index. */
    labels: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: 100_000 })),
    samples: Type.Optional(
      Type.Object(
        { file: FileName, count: Type.Integer({ minimum: 1 }), tolerance: ToleranceSchema },
        strict,
      ),
    ),
    baseline: Type.Optional(
      Type.Object({ statistics: Type.Optional(FileName), constraints: Type.Optional(FileName) }, strict),
    ),
    capture: Type.Optional(CaptureDefaultsSchema),
    resources: Type.Optional(ResourceEstimateSchema),
    /** SPDX expression. */
    licence: Type.Optional(Text),
    provenance: Type.Optional(ProvenanceSchema),
    /** Whether the samples were run when the package was made. */
    selfTest: Type.Union([
      Type.Object(
        { outcome: Type.Literal('passed'), cases: Type.Integer({ minimum: 1 }), engine: Text },
        strict,
      ),
      Type.Object({ outcome: Type.Literal('skipped') }, strict),
    ]),
    /** The device may go from a newer version to this one. Only a signature makes it count. */
    allowDowngrade: Type.Optional(Type.Boolean()),
    /** RFC 3339 instant after which the package is refused; ignored while the device's clock is not synchronised. */
    expires: Type.Optional(Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$' })),
  },
  strict,
);

export type Manifest = Static<typeof ManifestSchema>;
export type PackageFile = Static<typeof PackageFileSchema>;
export type TensorSpec = Static<typeof TensorSpecSchema>;
export type Tolerance = Static<typeof ToleranceSchema>;
export type Provenance = Static<typeof ProvenanceSchema>;
export type CaptureDefaults = Static<typeof CaptureDefaultsSchema>;
