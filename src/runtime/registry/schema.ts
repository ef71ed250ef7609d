import { Type, type Static } from '@sinclair/typebox';

const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Name = Type.String({ minLength: 1, maxLength: 64 });
const REASON_MAX_CHARS = 2000;
const Sentence = Type.String({ maxLength: REASON_MAX_CHARS });

/** A reason as the registry may hold it: whoever gives one does not know how long it is. */
export function asReason(text: string): string {
  return text.slice(0, REASON_MAX_CHARS);
}

/** One package that this device has admitted, or whose first verdict was a refusal. */
export const VersionRecord = Type.Object({
  version: Name,
  /** SHA-256 of the manifest: equal digests are equal packages. */
  digest: Sha256,
  /** The name in the manifest; a model loaded by path may serve under another. */
  packageName: Type.String(),
  /** The component that registered it; absent: loaded by path. */
  component: Type.Optional(Type.String()),
  /** Where it came from: the artifact folder, or the path that the app named. */
  source: Type.String(),
  /** Whether the agent keeps a copy of its own. */
  kept: Type.Boolean(),
  /** The verdict was once positive. Never unset: a reboot must not fail an old deployment. */
  admitted: Type.Boolean(),
  admittedAtMs: Type.Optional(Type.Number()),
  /** It was loaded by path under the rules of admission; agents before them asked nothing of folders. */
  ruled: Type.Optional(Type.Boolean()),
  /** The operator took it out of the order of versions: it keeps no other one out. */
  passedOver: Type.Optional(Type.Boolean()),
  pinned: Type.Optional(Type.Boolean()),
  signature: Type.Optional(Type.String()),
  /** Labels that its manifest asks for. */
  labels: Type.Optional(Type.Array(Name, { maxItems: 8 })),
  /** Inference threads that its manifest asks for; absent: one. */
  threads: Type.Optional(Type.Integer({ minimum: 1 })),
  /** SHA-256 of the graph compiled for this CPU. */
  compiledDigest: Type.Optional(Sha256),
  /** What its host may take where the configuration names no limit; absent: an agent without such limits admitted it. */
  hostLimitMb: Type.Optional(Type.Integer({ minimum: 1 })),
  /** How often its load or first runs killed the host since it last proved itself. */
  tries: Type.Integer({ minimum: 0 }),
  /** It has done its first runs without killing its host: what kills it later is an input. */
  proved: Type.Optional(Type.Boolean()),
  quarantined: Type.Optional(Sentence),
  rolledBack: Type.Optional(Sentence),
  refused: Type.Optional(Sentence),
});
export type VersionRecord = Static<typeof VersionRecord>;

const Count = Type.Number({ minimum: 0 });

/** How a version on probation has done until now, and the one that it replaced: both survive restarts. */
export const ProbationNote = Type.Object({
  version: Name,
  against: Name,
  /** How long it has served; a device that is off does not count. */
  servedMs: Count,
  requests: Count,
  failures: Count,
  nonFinite: Count,
  former: Type.Object({ requests: Count, failures: Count, nonFinite: Count, medianRunMs: Count }),
  /** The sums above by caller; absent: an agent before this one wrote the note. */
  callers: Type.Optional(
    Type.Record(Type.String(), Type.Object({ requests: Count, failures: Count, nonFinite: Count })),
  ),
});
export type ProbationNote = Static<typeof ProbationNote>;

export const ModelRecord = Type.Object({
  versions: Type.Record(Type.String(), VersionRecord),
  /** Label to version. `stable` serves; `previous` is what it replaced. */
  labels: Type.Record(Type.String(), Name),
  /** False after an app's unload: stays unloaded over restarts until someone loads it. */
  wanted: Type.Boolean(),
  /** The stable version is on probation against this one. */
  probationAgainst: Type.Optional(Name),
  probation: Type.Optional(ProbationNote),
  /** The version that its component wants; drifted where it is not the stable one. */
  desired: Type.Optional(Name),
  /** The last versions that served here and were forgotten, oldest first: they may come back. */
  forgotten: Type.Optional(Type.Array(Type.Object({ version: Name, digest: Sha256 }), { maxItems: 64 })),
});
export type ModelRecord = Static<typeof ModelRecord>;

export const RegistryState = Type.Object({
  formatVersion: Type.Literal(1),
  models: Type.Record(Type.String(), ModelRecord),
  /** No agent ran here that let its admin socket do everything: nothing may rely on that. */
  adminRestricted: Type.Optional(Type.Boolean()),
});
export type RegistryState = Static<typeof RegistryState>;

export const EMPTY_REGISTRY: RegistryState = { formatVersion: 1, models: {} };
