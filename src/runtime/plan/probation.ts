/** What was counted of one version since it began to serve. */
export interface Record {
  readonly requests: number;
  /** Requests that failed in or for the model: not those refused for a full queue or a wrong selector. */
  readonly failures: number;
  readonly nonFinite: number;
  readonly medianRunMs: number;
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
/** Without a history of its own, the former version counts as one without failures. */
const HISTORY_REQUESTS = 20;

/** Whether a version on probation goes on, has passed, or must give way to the version before it. */
export function judge(rules: ProbationRules, elapsedMs: number, now: Record, before: Record): Judgement {
  if (!rules.enabled) return { verdict: 'passed' };
  const reason = now.requests >= rules.minimumRequests ? breachOf(rules, now, before) : undefined;
  if (reason !== undefined) return { verdict: 'breach', reason };
  const served = elapsedMs >= rules.durationSeconds * 1000 && now.requests >= rules.requests;
  return { verdict: served || elapsedMs >= LONGEST_MS ? 'passed' : 'continue' };
}

function breachOf(rules: ProbationRules, now: Record, before: Record): string | undefined {
  const known = before.requests >= HISTORY_REQUESTS;
  const share = (part: number, of: Record): number => (of.requests === 0 ? 0 : part / of.requests);
  const failed = share(now.failures, now);
  const failedBefore = known ? share(before.failures, before) : 0;
  if (failed > failedBefore + rules.errorRate) {
    return `${now.failures} of ${now.requests} requests failed: at most ${percent(failedBefore + rules.errorRate)} may`;
  }
  const strange = share(now.nonFinite, now);
  const strangeBefore = known ? share(before.nonFinite, before) : 0;
  if (strange > strangeBefore + rules.nonFiniteRate) {
    return `${now.nonFinite} of ${now.requests} outputs held NaN or infinity: at most ${percent(strangeBefore + rules.nonFiniteRate)} may`;
  }
  const allowedMs = Math.max(rules.latencyFloorMs, rules.latencyFactor * before.medianRunMs);
  if (rules.latencyFactor > 0 && known && now.medianRunMs > allowedMs) {
    return `the median run takes ${now.medianRunMs.toFixed(1)} ms: at most ${allowedMs.toFixed(1)} ms is allowed beside ${before.medianRunMs.toFixed(1)} ms before`;
  }
  return undefined;
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
