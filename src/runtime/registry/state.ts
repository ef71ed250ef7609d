import { PREVIOUS, STABLE } from '../../contract/mod.js';
import {
  asReason,
  type ModelRecord,
  type ProbationNote,
  type RegistryState,
  type VersionRecord,
} from './schema.js';

/** Labels of one model beside the agent's own. */
const MAX_LABELS = 16;
/** Deaths of a host at a package's load or first runs before it is quarantined. */
export const QUARANTINE_TRIES = 2;

/** One version, with where it stands. */
export interface Entry {
  readonly model: string;
  readonly record: VersionRecord;
  readonly labels: readonly string[];
}

export function findVersion(state: RegistryState, model: string, version: string): VersionRecord | undefined {
  const entry = Object.hasOwn(state.models, model) ? state.models[model] : undefined;
  return entry !== undefined && Object.hasOwn(entry.versions, version) ? entry.versions[version] : undefined;
}

export function findModel(state: RegistryState, model: string): ModelRecord | undefined {
  return Object.hasOwn(state.models, model) ? state.models[model] : undefined;
}

export function labelsOf(model: ModelRecord, version: string): readonly string[] {
  return Object.entries(model.labels)
    .filter(([, labelled]) => labelled === version)
    .map(([label]) => label)
    .sort();
}

/** All versions by model name and version, in a stable order for paging. */
export function entries(state: RegistryState): readonly Entry[] {
  return Object.keys(state.models)
    .sort()
    .flatMap((model) => {
      const record = state.models[model];
      if (record === undefined) return [];
      return Object.keys(record.versions)
        .sort()
        .flatMap((version) => {
          const found = record.versions[version];
          return found === undefined ? [] : [{ model, record: found, labels: labelsOf(record, version) }];
        });
    });
}

/** A version that passed everything takes over as `stable`; what it replaced becomes `previous`. */
export function promote(
  state: RegistryState,
  model: string,
  record: VersionRecord,
  options: { readonly probation: boolean },
): RegistryState {
  const before = findModel(state, model);
  const former = before?.labels[STABLE];
  const replaced = former !== undefined && former !== record.version ? former : undefined;
  const labels = withLabels(before?.labels ?? {}, record);
  labels[STABLE] = record.version;
  if (replaced !== undefined) labels[PREVIOUS] = replaced;
  if (labels[PREVIOUS] === record.version) delete labels[PREVIOUS];
  return withModel(state, model, {
    versions: { ...before?.versions, [record.version]: admittedAnew(record) },
    labels,
    wanted: true,
    desired: record.version,
    ...(before?.forgotten === undefined ? {} : { forgotten: before.forgotten }),
    ...(options.probation && replaced !== undefined ? { probationAgainst: replaced } : {}),
  });
}

/**
 * Labels once a version has taken those that its manifest asks for. A label keeps its version's package on disk:
 * where packages invent new ones for ever, the oldest go.
 */
function withLabels(
  labels: Readonly<Record<string, string>>,
  { version, labels: asked = [] }: VersionRecord,
): Record<string, string> {
  const { stable, previous, ...rest } = labels;
  const others: Record<string, string> = rest;
  for (const label of asked) {
    delete others[label];
    others[label] = version;
  }
  const kept = Object.entries(others).slice(-MAX_LABELS);
  return {
    ...(stable === undefined ? {} : { stable }),
    ...(previous === undefined ? {} : { previous }),
    ...Object.fromEntries(kept),
  };
}

/** Admitted again: what was held against it is over. */
function admittedAnew(record: VersionRecord): VersionRecord {
  const { refused: _refused, rolledBack: _rolledBack, quarantined: _quarantined, ...rest } = record;
  return { ...rest, admitted: true };
}

/** A version beside the stable one (loaded by path or by version), without a label of its own. */
export function addBeside(state: RegistryState, model: string, record: VersionRecord): RegistryState {
  const before = findModel(state, model);
  if (before?.labels[STABLE] === undefined) {
    const added = promote(state, model, record, { probation: false });
    return updateModel(added, model, ({ desired: _desired, ...rest }) => rest);
  }
  return updateModel(state, model, (found) => ({
    ...found,
    versions: { ...found.versions, [record.version]: record },
    labels: withLabels(found.labels, record),
  }));
}

/** The version that the stable one would go back to. */
export function fallbackOf({ probationAgainst, labels }: ModelRecord): string | undefined {
  return probationAgainst ?? labels[PREVIOUS];
}

/** A version that failed, the one before it, and why. */
export interface Rollback {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/**
 * Back to the version before, with the reason on the one that failed. Where that one is not the stable one any
 * more, whatever pointed to it points to the one before it.
 */
export function rollBack(state: RegistryState, model: string, { from, to, reason }: Rollback): RegistryState {
  const before = findModel(state, model);
  if (before === undefined || findVersion(state, model, to) === undefined) return state;
  const { probationAgainst, probation: _noted, ...rest } = before;
  const labels = Object.fromEntries(
    Object.entries(before.labels).map(([label, version]) => [label, version === from ? to : version]),
  );
  const { stable } = labels;
  if (labels[PREVIOUS] === stable) delete labels[PREVIOUS];
  const against = probationAgainst === from ? to : probationAgainst;
  const next = withModel(state, model, {
    ...rest,
    labels,
    ...(against === undefined || against === stable ? {} : { probationAgainst: against }),
  });
  return updateVersion(next, model, from, (record) => ({ ...record, rolledBack: asReason(reason) }));
}

/** Ends the probation of `version` against `former`, unless another one has begun. */
export function passProbation(
  state: RegistryState,
  model: string,
  version: string,
  former: string,
): RegistryState {
  const found = findModel(state, model);
  if (found?.labels[STABLE] !== version || found.probationAgainst !== former) return state;
  const { probationAgainst: _over, probation: _noted, ...rest } = found;
  return withModel(state, model, rest);
}

/** Notes how a probation goes, unless another one has begun. */
export function noteProbation(state: RegistryState, model: string, note: ProbationNote): RegistryState {
  const found = findModel(state, model);
  if (found?.labels[STABLE] !== note.version || found.probationAgainst !== note.against) return state;
  return withModel(state, model, { ...found, probation: note });
}

/** A host died under a package's load or first runs; at {@link QUARANTINE_TRIES} it is quarantined. */
export function countTry(
  state: RegistryState,
  model: string,
  version: string,
  reason: string,
): RegistryState {
  return updateVersion(state, model, version, (record) => {
    const tries = record.tries + 1;
    return tries >= QUARANTINE_TRIES
      ? { ...record, tries, quarantined: asReason(reason) }
      : { ...record, tries };
  });
}

export function settle(state: RegistryState, model: string, version: string): RegistryState {
  return updateVersion(state, model, version, (record) => ({ ...record, tries: 0, proved: true }));
}

/** Remembers a package whose first verdict was a refusal. It never takes a label. */
export function refuse(
  state: RegistryState,
  model: string,
  record: VersionRecord,
  reason: string,
): RegistryState {
  const before = findModel(state, model) ?? { versions: {}, labels: {}, wanted: true };
  // An admitted version is never turned into a refused one: its digest is what this device serves.
  if (findVersion(state, model, record.version)?.admitted === true) return state;
  const versions = { ...before.versions, [record.version]: { ...record, refused: asReason(reason) } };
  return withModel(state, model, { ...before, versions });
}

export function forgetModel(state: RegistryState, model: string): RegistryState {
  return {
    ...state,
    models: Object.fromEntries(Object.entries(state.models).filter(([name]) => name !== model)),
  };
}

export function updateVersion(
  state: RegistryState,
  model: string,
  version: string,
  change: (record: VersionRecord) => VersionRecord,
): RegistryState {
  const record = findVersion(state, model, version);
  if (record === undefined) return state;
  return updateModel(state, model, (found) => ({
    ...found,
    versions: { ...found.versions, [version]: change(record) },
  }));
}

export function updateModel(
  state: RegistryState,
  model: string,
  change: (record: ModelRecord) => ModelRecord,
): RegistryState {
  const found = findModel(state, model);
  return found === undefined ? state : withModel(state, model, change(found));
}

function withModel(state: RegistryState, model: string, record: ModelRecord): RegistryState {
  return { ...state, models: { ...state.models, [model]: record } };
}

/** Versions whose packages must stay on disk: what serves, what it would go back to, what has a label. */
export function packagesInUse(state: RegistryState): ReadonlySet<string> {
  const used = new Set<string>();
  for (const model of Object.values(state.models)) {
    for (const version of Object.values(model.labels)) {
      const digest = model.versions[version]?.digest;
      if (digest !== undefined) used.add(digest);
    }
  }
  return used;
}

/** Whether what serves is not what the deployment wanted. */
export function isDrifted(model: ModelRecord): boolean {
  return model.desired !== undefined && model.labels[STABLE] !== model.desired;
}
