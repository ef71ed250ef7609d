import type { Random } from '../../core/mod.js';
import { JUDGES, type Judge, type JudgeContext } from './judges.js';
import type { CapturePolicy, PolicyOf, PolicyType } from './policies.js';

/** How a policy decides: before the run, by the number of the request (from 1), or by the outputs. */
export type Rule =
  | { readonly when: 'before'; readonly fires: (request: number) => boolean }
  | { readonly when: 'after'; readonly fires: Judge };

type Arm<T extends PolicyType> = (policy: PolicyOf<T>, context: JudgeContext) => Rule;

/** Each policy type stands here: one without a rule would never fire, so that the compiler refuses it. */
const RULES: { readonly [T in PolicyType]: Arm<T> } = {
  percentage: ({ percent }, { random }) => before(() => inShare(percent, random)),
  'every-n': ({ n }) => before((request) => (request - 1) % n === 0),
  'first-after-switch': ({ count }) => before((request) => request <= count),
  'least-confidence': judged('least-confidence'),
  margin: judged('margin'),
  entropy: judged('entropy'),
  'by-class': judged('by-class'),
  threshold: judged('threshold'),
  'non-finite': judged('non-finite'),
};

/** @throws FAILED_PRECONDITION that names a policy which can't apply to the model's outputs */
export function ruleOf(policy: CapturePolicy, context: JudgeContext): Rule {
  return arm(policy.type, policy, context);
}

function arm<T extends PolicyType>(type: T, policy: CapturePolicy, context: JudgeContext): Rule {
  return RULES[type](policy as PolicyOf<T>, context);
}

function judged<T extends keyof typeof JUDGES>(type: T): Arm<T> {
  return (policy, context) => ({ when: 'after', fires: JUDGES[type](policy, context) });
}

function before(fires: (request: number) => boolean): Rule {
  return { when: 'before', fires };
}

function inShare(percent: number, random: Random): boolean {
  return percent >= 100 || random.fraction() * 100 < percent;
}
