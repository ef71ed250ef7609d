import type { Tensor, TensorMetadata } from '../../contract/mod.js';
import type { Clock, Random } from '../../core/mod.js';
import { PRIORITIES, type Priority } from '../captured/priority.js';
import type { Judge } from './judges.js';
import { DEFAULT_PRIORITIES, reasonTag, type CapturePolicy } from './policies.js';
import { RateLimiter } from './rate-limiter.js';
import { ruleOf } from './rules.js';

/** Why a request is captured, and how urgent that makes it. */
export interface SampleDecision {
  readonly reasons: readonly string[];
  readonly priority: Priority;
}

/** What the caller of predict asked: `always` adds the reason `on-demand`, `never` keeps the request out. */
export interface SampleContext {
  readonly mode: 'policies' | 'always' | 'never';
}

/**
 * Decides which requests are captured. `decideBefore` needs no outputs, so that the reply can carry a capture
 * id; `decideAfter` looks at the outputs once the reply has gone, and gives the reasons of both.
 */
export interface Sampler {
  decideBefore(context: SampleContext): SampleDecision | undefined;
  decideAfter(
    outputs: readonly Tensor[],
    before: SampleDecision | undefined,
    context: SampleContext,
  ): SampleDecision | undefined;
  /** Whether outputs can still make a request captured: the reply then carries its id as a maybe. */
  couldSample(context: SampleContext): boolean;
}

export interface SamplerOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly random: Random;
  /** Class names by index, for `by-class`. */
  readonly labels?: readonly string[];
}

interface Armed<F> {
  readonly tag: string;
  readonly priority: Priority;
  readonly fires: F;
  readonly limiter: RateLimiter;
}

/** @throws FAILED_PRECONDITION that names a policy which can't apply to these outputs */
export function createSampler(
  policies: readonly CapturePolicy[],
  outputs: readonly TensorMetadata[],
  { clock, random, labels = [] }: SamplerOptions,
): Sampler {
  const heads: Armed<(request: number) => boolean>[] = [];
  const tails: Armed<Judge>[] = [];
  for (const policy of policies) {
    const rule = ruleOf(policy, { outputs, labels, random });
    if (rule.when === 'before') heads.push(armed(policy, rule.fires));
    else tails.push(armed(policy, rule.fires));
  }
  let requests = 0;
  return {
    decideBefore({ mode }) {
      if (mode === 'never') return undefined;
      requests += 1;
      const fired = fire(heads, requests, clock.monotonicMs());
      const demand: SampleDecision = { reasons: ['on-demand'], priority: 'sample' };
      return mode === 'always' ? merge(demand, fired) : fired;
    },
    decideAfter(given, before, { mode }) {
      if (mode === 'never' || tails.length === 0) return before;
      return merge(before, fire(tails, given, clock.monotonicMs()));
    },
    couldSample: ({ mode }) => mode !== 'never' && tails.length > 0,
  };
}

function armed<F>(policy: CapturePolicy, fires: F): Armed<F> {
  return {
    tag: reasonTag(policy),
    priority: policy.priority ?? DEFAULT_PRIORITIES[policy.type],
    fires,
    limiter: new RateLimiter(policy.limit),
  };
}

function fire<Seen>(
  policies: readonly Armed<(seen: Seen) => boolean>[],
  seen: Seen,
  nowMs: number,
): SampleDecision | undefined {
  let decision: SampleDecision | undefined;
  for (const { tag, priority, fires, limiter } of policies) {
    if (!fires(seen) || !limiter.take(nowMs)) continue;
    decision = merge(decision, { reasons: [tag], priority });
  }
  return decision;
}

function merge(
  first: SampleDecision | undefined,
  second: SampleDecision | undefined,
): SampleDecision | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const urgent = PRIORITIES.indexOf(first.priority) <= PRIORITIES.indexOf(second.priority) ? first : second;
  return { reasons: [...first.reasons, ...second.reasons], priority: urgent.priority };
}
