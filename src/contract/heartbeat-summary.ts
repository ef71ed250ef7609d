import type { HeartbeatModel } from './heartbeat.js';
import type { ModelState } from './models.js';
import { MODEL_STATES } from './models.js';

/** A model as the summary has it. */
export interface SummaryModel {
  readonly name: string;
  readonly version: string;
  readonly state: ModelState;
  readonly drifted: boolean;
  readonly sampling: boolean;
  /** It serves on, and would not be admitted any more; absent: nothing is against it. */
  readonly doubt?: 'unadmitted' | 'revoked';
  /** A provider that its configuration names computes nothing of it. Agents before engines never say so. */
  readonly fallback?: true;
}

/**
 * Long enough for twenty versions; devices with more are told apart in their shadow, not by aggregation. Agents up to
 * 0.1.0 wrote up to 900 characters, the first by name, and did not say where they left something out: a longer
 * summary is one of theirs.
 */
export const SUMMARY_MAX_CHARS = 740;

/** The last part of a summary that leaves models out. Not a model's form, so that readers that don't know it pass it over. */
const CUT = '+cut';

/** The least useful state last. A version that nobody wants says nothing of what the device does now. */
const USE: Readonly<Record<ModelState, number>> = {
  SERVING: 0,
  PROBATION: 0,
  LOADING: 1,
  RETIRING: 3,
  UNLOADED: 3,
  ROLLED_BACK: 4,
  QUARANTINED: 4,
  FAILED: 4,
};
const USE_OF_WANTED = 2;

/**
 * Order by use: what answers, what is about to, what the deployment wants and does not get, what could answer, what
 * is only news; then by name, so that equal devices leave out the same.
 */
export function byUse(a: HeartbeatModel, b: HeartbeatModel): number {
  return useOf(a) - useOf(b) || compare(a.name, b.name) || compare(a.version, b.version);
}

function useOf({ state, wanted }: HeartbeatModel): number {
  return wanted === true ? Math.min(USE_OF_WANTED, USE[state]) : USE[state];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * `name@version/STATE` with `+drifted`, `+sampling`, `+fallback`, and `+unadmitted` or `+revoked`, sorted, joined by `;`: equal
 * devices give equal strings.
 * Where not all fit, the most useful ones stand there, and `+cut` behind them.
 */
export function summarize(models: readonly HeartbeatModel[]): string {
  const parts = [...models].sort(byUse).map(partOf);
  const all = joined(parts);
  if (all.length <= SUMMARY_MAX_CHARS) return all;
  let kept = parts.length;
  while (joined([...parts.slice(0, kept), CUT]).length > SUMMARY_MAX_CHARS) kept--;
  return [...parts.slice(0, kept).sort(compare), CUT].join(';');
}

function partOf(model: HeartbeatModel): string {
  const { name, version, state, drifted, sampling, fallback, unadmitted, revoked } = model;
  const doubt = revoked === true ? '+revoked' : unadmitted === true ? '+unadmitted' : '';
  return (
    `${name}@${version}/${state}` +
    (drifted === true ? '+drifted' : '') +
    (sampling === true ? '+sampling' : '') +
    (fallback === true ? '+fallback' : '') +
    doubt
  );
}

/** Fleet indexing has no bucket for an empty string. */
function joined(parts: readonly string[]): string {
  return parts.length === 0 ? 'none' : [...parts].sort(compare).join(';');
}

/** Whether a summary may leave models out. Of a version that such a summary does not name, nothing is known. */
export function isCutSummary(summary: string): boolean {
  return summary.length > SUMMARY_MAX_CHARS || summary.split(';').at(-1) === CUT;
}

/** The models of a summary; parts of another form (a later version's) are left out. */
export function parseSummary(summary: string): readonly SummaryModel[] {
  const models: SummaryModel[] = [];
  for (const part of summary.split(';')) {
    const match = /^([^@]+)@([^/]+)\/([A-Z_]+)((?:\+[a-z]+)*)$/.exec(part);
    const state = MODEL_STATES.find((known) => known === match?.[3]);
    if (match === null || state === undefined) continue;
    const flags = (match[4] ?? '').split('+');
    const doubt = (['revoked', 'unadmitted'] as const).find((one) => flags.includes(one));
    models.push({
      name: match[1] ?? '',
      version: match[2] ?? '',
      state,
      drifted: flags.includes('drifted'),
      sampling: flags.includes('sampling'),
      ...(doubt === undefined ? {} : { doubt }),
      ...(flags.includes('fallback') ? { fallback: true } : {}),
    });
  }
  return models;
}
