import { Type, type Static } from '@sinclair/typebox';
import { PRIORITIES, type Priority } from '../captured/priority.js';

const strict = { additionalProperties: false } as const;
const count = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });
const percent = Type.Number({ exclusiveMinimum: 0, maximum: 100 });
const unit = Type.Number({ exclusiveMinimum: 0, maximum: 1 });
const outputName = Type.Optional(Type.String({ minLength: 1, maxLength: 256 }));

/** At most so many captures by one policy; windows run on monotonic time, so that a clock that jumps opens none. */
export const RateLimit = Type.Object(
  { perMinute: Type.Optional(count), perHour: Type.Optional(count), perDay: Type.Optional(count) },
  { ...strict, minProperties: 1 },
);
export type RateLimit = Static<typeof RateLimit>;

const common = {
  /** Told apart in the reason tag, `<type>:<name>`, where one type stands twice. */
  name: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$', maxLength: 64 })),
  /** Default: `error` for non-finite outputs, `outlier` for policies that judge outputs, `sample` for the rest. */
  priority: Type.Optional(Type.Unsafe<Priority>(Type.String({ enum: [...PRIORITIES] }))),
  limit: Type.Optional(RateLimit),
};

/** How the class scores of an output are read; one score per row is taken for two classes, `1 - p` and `p`. */
const scores = {
  ...common,
  /** Default: the only output that can hold scores. */
  output: outputName,
  /** What turns the raw values into probabilities; default `none`, they are probabilities already. */
  activation: Type.Optional(
    Type.Unsafe<'none' | 'softmax' | 'sigmoid'>(Type.String({ enum: ['none', 'softmax', 'sigmoid'] })),
  ),
};

/** One schema per policy type. Rows are the last axis of an output; a policy fires where any row does. */
export const POLICY_SCHEMAS = {
  percentage: Type.Object({ type: Type.Literal('percentage'), ...common, percent }, strict),
  'every-n': Type.Object({ type: Type.Literal('every-n'), ...common, n: count }, strict),
  /** The first `count` requests after a load or a version switch. */
  'first-after-switch': Type.Object({ type: Type.Literal('first-after-switch'), ...common, count }, strict),
  /** The best class's probability is below `below`. */
  'least-confidence': Type.Object({ type: Type.Literal('least-confidence'), ...scores, below: unit }, strict),
  /** The two best classes' probabilities differ by less than `below`. */
  margin: Type.Object({ type: Type.Literal('margin'), ...scores, below: unit }, strict),
  /** Entropy over its maximum (log of the number of classes) is above `above`. */
  entropy: Type.Object(
    { type: Type.Literal('entropy'), ...scores, above: Type.Number({ minimum: 0, exclusiveMaximum: 1 }) },
    strict,
  ),
  /** The best class (of scores) or the class itself (of an integer output) is one of these, by index or label. */
  'by-class': Type.Object(
    {
      type: Type.Literal('by-class'),
      ...scores,
      classes: Type.Array(
        Type.Union([Type.Integer({ minimum: 0 }), Type.String({ minLength: 1, maxLength: 256 })]),
        { minItems: 1, maxItems: 1000 },
      ),
      /** Share of the matching requests; default 100. */
      percent: Type.Optional(percent),
    },
    strict,
  ),
  /** Any element of the output lies above `above` or below `below`. */
  threshold: Type.Object(
    {
      type: Type.Literal('threshold'),
      ...common,
      output: outputName,
      above: Type.Optional(Type.Number()),
      below: Type.Optional(Type.Number()),
    },
    strict,
  ),
  /** Any floating-point output (or the named one) holds NaN or an infinity. */
  'non-finite': Type.Object({ type: Type.Literal('non-finite'), ...common, output: outputName }, strict),
} as const;

export type PolicyType = keyof typeof POLICY_SCHEMAS;
export type PolicyOf<T extends PolicyType> = Static<(typeof POLICY_SCHEMAS)[T]>;
export type CapturePolicy = { [T in PolicyType]: PolicyOf<T> }[PolicyType];
export type ScorePolicy = PolicyOf<'least-confidence' | 'margin' | 'entropy' | 'by-class'>;

const MAX_POLICIES = 32;
/** The list as configuration holds it; `parsePolicies` checks each one against its type's own schema. */
export const CapturePolicies = Type.Array(Type.Unsafe<CapturePolicy>(Type.Object({ type: Type.String() })), {
  maxItems: MAX_POLICIES,
});

export const DEFAULT_PRIORITIES: Readonly<Record<PolicyType, Priority>> = {
  percentage: 'sample',
  'every-n': 'sample',
  'first-after-switch': 'sample',
  'least-confidence': 'outlier',
  margin: 'outlier',
  entropy: 'outlier',
  'by-class': 'outlier',
  threshold: 'outlier',
  'non-finite': 'error',
};

/** The tag of a policy in a record's reasons. */
export function reasonTag(policy: CapturePolicy): string {
  return policy.name === undefined ? policy.type : `${policy.type}:${policy.name}`;
}
