/** What one caller asked of a version on probation, and in how many of these the former version did better. */
export interface CallerRecord {
  readonly requests: number;
  /** The host died, hung, or refused what the former version answered. */
  readonly failures: number;
  /** Outputs with NaN or an infinity, of finite inputs for which the former version's were finite. */
  readonly nonFinite: number;
}

/** How long both versions took for the same inputs, one after the other. */
export interface Pace {
  readonly pairs: number;
  readonly medianRunMs: number;
  readonly formerMedianRunMs: number;
}

/** All that is held for and against a version on probation. */
export interface Evidence {
  readonly callers: Readonly<Record<string, CallerRecord>>;
  readonly pace: Pace;
}

export interface ProbationRules {
  readonly enabled: boolean;
  readonly durationSeconds: number;
  readonly requests: number;
  readonly minimumRequests: number;
  readonly errorRate: number;
  readonly nonFiniteRate: number;
  readonly latencyFactor: number;
  readonly latencyFloorMs: number;
}

export type Judgement =
  | { readonly verdict: 'continue' }
  | { readonly verdict: 'passed' }
  | { readonly verdict: 'breach'; readonly reason: string };

/** A model that hardly anybody asks must not hold its former version for ever. */
const LONGEST_MS = 24 * 3600 * 1000;
/** A median of fewer pairs says little. */
const LEAST_PAIRS = 10;
const NOTHING: CallerRecord = { requests: 0, failures: 0, nonFinite: 0 };

/** Whether a version on probation goes on, has passed, or must give way to the version before it. */
export function judge(rules: ProbationRules, elapsedMs: number, evidence: Evidence): Judgement {
  if (!rules.enabled) return { verdict: 'passed' };
  const reason = breachOf(rules, evidence);
  if (reason !== undefined) return { verdict: 'breach', reason };
  const served =
    elapsedMs >= rules.durationSeconds * 1000 && totalOf(evidence.callers).requests >= rules.requests;
  return { verdict: served || elapsedMs >= LONGEST_MS ? 'passed' : 'continue' };
}

export function totalOf(callers: Evidence['callers']): CallerRecord {
  return Object.values(callers).reduce(
    (sum, one) => ({
      requests: sum.requests + one.requests,
      failures: sum.failures + one.failures,
      nonFinite: sum.nonFinite + one.nonFinite,
    }),
    NOTHING,
  );
}

function breachOf(rules: ProbationRules, { callers, pace }: Evidence): string | undefined {
  const all = totalOf(callers);
  if (stands(rules, callers, 'failures', rules.errorRate)) {
    return `${all.failures} of ${all.requests} requests failed that the former version answered${witnesses(callers, 'failures')}: at most ${percent(rules.errorRate)} may`;
  }
  if (stands(rules, callers, 'nonFinite', rules.nonFiniteRate)) {
    return `${all.nonFinite} of ${all.requests} outputs held NaN or infinity where the former version's did not${witnesses(callers, 'nonFinite')}: at most ${percent(rules.nonFiniteRate)} may`;
  }
  return slowerThanAllowed(rules, pace);
}

/**
 * Whether the share is too large, and would be without any single caller: one caller alone takes no version from the
 * others. Where the others have hardly asked, nothing speaks against what the one has seen.
 */
function stands(
  { minimumRequests }: ProbationRules,
  callers: Evidence['callers'],
  kind: 'failures' | 'nonFinite',
  allowed: number,
): boolean {
  const exceeds = (of: CallerRecord): boolean => of[kind] > allowed * of.requests;
  const all = totalOf(callers);
  if (all.requests < minimumRequests || !exceeds(all)) return false;
  const [strongest = NOTHING] = Object.values(callers).sort((a, b) => b[kind] - a[kind]);
  const others = {
    requests: all.requests - strongest.requests,
    failures: all.failures - strongest.failures,
    nonFinite: all.nonFinite - strongest.nonFinite,
  };
  return others.requests < minimumRequests || exceeds(others);
}

function witnesses(callers: Evidence['callers'], kind: 'failures' | 'nonFinite'): string {
  const count = Object.values(callers).filter((one) => one[kind] > 0).length;
  return count === 1 ? ' (seen by 1 caller)' : ` (seen by ${count} callers)`;
}

function slowerThanAllowed(rules: ProbationRules, pace: Pace): string | undefined {
  const allowedMs = Math.max(rules.latencyFloorMs, rules.latencyFactor * pace.formerMedianRunMs);
  if (rules.latencyFactor === 0 || pace.pairs < LEAST_PAIRS || pace.medianRunMs <= allowedMs)
    return undefined;
  return `the median of ${pace.pairs} runs takes ${pace.medianRunMs.toFixed(1)} ms, and ${pace.formerMedianRunMs.toFixed(1)} ms in the former version on the same inputs: at most ${allowedMs.toFixed(1)} ms is allowed`;
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
