import { Type, type Static } from '@sinclair/typebox';
import { TensorMetadata } from '../../../contract/mod.js';
import type { LoadReport, LoadSpec } from '../port/mod.js';
import { handle, jsonObject } from './control-frames.js';

const text = Type.String();
const path = Type.String({ minLength: 1, pattern: '^/' });
const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const texts = Type.Array(text);
const milliseconds = Type.Number({ minimum: 0 });

const trust = Type.Object({
  policy: Type.String({ enum: ['required', 'if-present', 'off'] }),
  keys: texts,
  revokedPackages: Type.Optional(texts),
  revokedKeys: Type.Optional(texts),
  admitted: Type.Optional(Type.Boolean()),
  keyRules: Type.Optional(
    Type.Array(
      Type.Object({
        key: text,
        validFrom: Type.Optional(text),
        validUntil: Type.Optional(text),
        subjects: Type.Optional(texts),
      }),
    ),
  ),
});

/** A package that the host opens and verifies itself, by the agent's own code. */
const Package = Type.Unsafe<LoadSpec>(
  Type.Object({
    key: text,
    folder: path,
    isCopy: Type.Optional(Type.Boolean()),
    expectedDigest: Type.Optional(text),
    trust,
    threads: Type.Integer({ minimum: 1 }),
    concurrency: Type.Integer({ minimum: 1 }),
    compiledCacheFolder: Type.Optional(path),
    compiledDigest: Type.Optional(sha256),
    runSamples: Type.Boolean(),
    capture: Type.Optional(jsonObject),
    loadLimitBytes: Type.Optional(Type.Number({ minimum: 0 })),
    nowMs: Type.Optional(Type.Number()),
  }),
);

const byteSize = Type.Integer({ minimum: 0 });
const file = Type.Object({ path, sha256, byteSize });
const texts128 = Type.String({ maxLength: 128 });

/** A package that the control process has had verified, for a host in another language. */
const Verified = Type.Object({
  digest: text,
  name: text,
  version: text,
  model: file,
  weights: Type.Array(file),
  inputs: Type.Array(TensorMetadata),
  outputs: Type.Array(TensorMetadata),
  threads: Type.Integer({ minimum: 1 }),
  providers: Type.Array(Type.Object({ name: texts128, options: Type.Record(Type.String(), Type.String()) })),
});
export type Verified = Static<typeof Verified>;

export const LoadOrder = Type.Object({
  handle,
  key: text,
  onlyConfined: Type.Boolean(),
  allowSpinning: Type.Boolean(),
  /** Exactly one of the two. */
  package: Type.Optional(Package),
  verified: Type.Optional(Verified),
  /** Of a package: its files are looked at, and nothing is loaded. */
  verifyOnly: Type.Optional(Type.Boolean()),
});

/** What a host says that was given a verified package. */
export const EngineLoaded = Type.Object({
  loadMs: milliseconds,
  cacheHit: Type.Boolean(),
  provider: Type.Optional(texts128),
  nodes: Type.Optional(Type.Record(texts128, Type.Integer({ minimum: 0 }))),
  missing: Type.Optional(Type.Record(texts128, Type.String({ maxLength: 4096 }))),
});

/** What the host found; the confinement is its hello's. */
export const LoadedReport = Type.Unsafe<Omit<LoadReport, 'confinement'>>(
  Type.Object({
    digest: text,
    name: text,
    version: text,
    inputs: Type.Array(TensorMetadata),
    outputs: Type.Array(TensorMetadata),
    manifest: jsonObject,
    signature: Type.Object({
      state: Type.String({ enum: ['verified', 'unsigned', 'unchecked'] }),
      method: Type.Optional(Type.String({ enum: ['key', 'certificate'] })),
      signer: Type.Optional(text),
    }),
    verifyMs: milliseconds,
    loadMs: milliseconds,
    samplesRun: Type.Integer({ minimum: 0 }),
    compiledDigest: Type.Optional(sha256),
    cacheHit: Type.Boolean(),
  }),
);

/** What a host says that was to verify only. */
export const VerifiedReport = Type.Object({
  report: LoadedReport,
  model: file,
  weights: Type.Array(file),
  samples: Type.Array(file),
});
