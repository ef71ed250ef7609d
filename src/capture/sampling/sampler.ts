import type { Tensor, TensorMetadata } from '../../contract/mod.js';
import type { Clock, Random } from '../../core/mod.js';
import { PRIORITIES, type Priority } from '../port.js';
import { createJudge, type Judge } from './judges.js';
import { DEFAULT_PRIORITIES, reasonTag, type CapturePolicy } from './policies.js';
import { RateLimiter } from './rate-limiter.js';

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
  /** Starts the count of `first-after-switch` again. */
  switched(): void;
}

export interface SamplerOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly random: Random;
  /** Class names by index, for `by-class`. */
  readonly labels?: readonly string[];
}

interface Armed {
  readonly tag: string;
  readonly priority: Priority;
  readonly fires: () => boolean;
  readonly judge: Judge | undefined;
  readonly limiter: RateLimiter;
}

/** @throws FAILED_PRECONDITION that names a policy which can't apply to these outputs */
export function createSampler(
  policies: readonly CapturePolicy[],
  outputs: readonly TensorMetadata[],
  options: SamplerOptions,
): Sampler {
  const { clock, random, labels = [] } = options;
  const counts = { sinceSwitch: 0, requests: 0 };
  const armed = policies.map((policy): Armed => ({
    tag: reasonTag(policy),
    priority: policy.priority ?? DEFAULT_PRIORITIES[policy.type],
    fires: headRule(policy, counts, random),
    judge: createJudge(policy, { outputs, labels, random }),
    limiter: new RateLimiter(policy.limit),
  }));
  const heads = armed.filter(({ judge }) => judge === undefined);
  const tails = armed.filter(({ judge }) => judge !== undefined);
  return {
    decideBefore({ mode }) {
      if (mode === 'never') return undefined;
      counts.requests += 1;
      counts.sinceSwitch += 1;
      const fired = fire(heads, (policy) => policy.fires(), clock.monotonicMs());
      const demand: SampleDecision = { reasons: ['on-demand'], priority: 'sample' };
      return mode === 'always' ? merge(demand, fired) : fired;
    },
    decideAfter(given, before, { mode }) {
      if (mode === 'never' || tails.length === 0) return before;
      return merge(
        before,
        fire(tails, (policy) => policy.judge?.(given) === true, clock.monotonicMs()),
      );
    },
    couldSample: ({ mode }) => mode !== 'never' && tails.length > 0,
    switched() {
      counts.sinceSwitch = 0;
    },
  };
}

function headRule(
  policy: CapturePolicy,
  counts: { readonly sinceSwitch: number; readonly requests: number },
  random: Random,
): () => boolean {
  switch (policy.type) {
    case 'percentage':
      return policy.percent >= 100 ? () => true : () => random.fraction() * 100 < policy.percent;
    case 'every-n':
      return () => (counts.requests - 1) % policy.n === 0;
    case 'first-after-switch':
      return () => counts.sinceSwitch <= policy.count;
    default:
      return () => false;
  }
}

function fire(
  policies: readonly Armed[],
  fires: (policy: Armed) => boolean,
  nowMs: number,
): SampleDecision | undefined {
  let decision: SampleDecision | undefined;
  for (const policy of policies) {
    if (!fires(policy) || !policy.limiter.take(nowMs)) continue;
    decision = merge(decision, { reasons: [policy.tag], priority: policy.priority });
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
