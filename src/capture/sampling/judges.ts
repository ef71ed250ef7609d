import type { Tensor, TensorMetadata } from '../../contract/mod.js';
import { EdgeError, type Random } from '../../core/mod.js';
import { reasonTag, type CapturePolicy, type PolicyOf, type ScorePolicy } from './policies.js';
import { rowScores, type RowScores } from './scores.js';
import { isFloat, isInteger, tensorValues } from './tensor-values.js';

/** True where a policy fires on these outputs. */
export type Judge = (outputs: readonly Tensor[]) => boolean;

/** The policy types that look at outputs. */
export type JudgedType = ScorePolicy['type'] | 'threshold' | 'non-finite';

export interface JudgeContext {
  readonly outputs: readonly TensorMetadata[];
  readonly labels: readonly string[];
  readonly random: Random;
}

/** A rule that looks at outputs, one for each policy type that does. */
export const JUDGES: { readonly [T in JudgedType]: (policy: PolicyOf<T>, context: JudgeContext) => Judge } = {
  'least-confidence': (policy, context) =>
    scoreJudge(policy, context, (row) => row.confidence < policy.below),
  margin: (policy, context) => scoreJudge(policy, context, (row) => row.margin < policy.below),
  entropy: (policy, context) => scoreJudge(policy, context, (row) => row.entropy > policy.above),
  'by-class': classJudge,
  threshold: thresholdJudge,
  'non-finite': nonFiniteJudge,
};

function scoreJudge(policy: ScorePolicy, context: JudgeContext, fires: (row: RowScores) => boolean): Judge {
  const output = scoreOutput(policy, context);
  const activation = policy.activation ?? 'none';
  return (outputs) => {
    const tensor = outputs.find((other) => other.name === output.name);
    const values = tensor === undefined ? undefined : tensorValues(tensor);
    const classes = tensor?.shape.at(-1) ?? 0;
    if (values === undefined || classes < 1) return false;
    for (let start = 0; start + classes <= values.length; start += classes) {
      const row = rowScores(values, start, classes, activation);
      if (row !== undefined && fires(row)) return true;
    }
    return false;
  };
}

function scoreOutput(policy: ScorePolicy, context: JudgeContext): TensorMetadata {
  const output = chooseOutput(
    policy,
    context,
    ({ datatype, shape }) => isFloat(datatype) && shape.length > 0,
  );
  const classes = output.shape.at(-1);
  if (classes === 1 && policy.activation === 'softmax') {
    throw refusal(policy, `output '${output.name}' has one score per row, which softmax makes 1`);
  }
  return output;
}

function classJudge(policy: PolicyOf<'by-class'>, context: JudgeContext): Judge {
  const wanted = new Set(policy.classes.map((entry) => classIndex(policy, entry, context.labels)));
  const share = (policy.percent ?? 100) / 100;
  const inShare = (): boolean => share >= 1 || context.random.fraction() < share;
  const integers = chooseOutputOrNone(policy, context, ({ datatype }) => isInteger(datatype));
  if (integers === undefined) {
    const judge = scoreJudge(policy, context, (row) => wanted.has(row.bestClass));
    return (outputs) => judge(outputs) && inShare();
  }
  return (outputs) => {
    const tensor = outputs.find((other) => other.name === integers.name);
    const values = tensor === undefined ? undefined : tensorValues(tensor);
    if (values === undefined) return false;
    for (let index = 0; index < values.length; index++) if (wanted.has(values.at(index))) return inShare();
    return false;
  };
}

function classIndex(policy: CapturePolicy, entry: number | string, labels: readonly string[]): number {
  if (typeof entry === 'number') return entry;
  const index = labels.indexOf(entry);
  if (index < 0) throw refusal(policy, `the model has no label '${entry}'`);
  return index;
}

function thresholdJudge(policy: PolicyOf<'threshold'>, context: JudgeContext): Judge {
  const { above = Number.POSITIVE_INFINITY, below = Number.NEGATIVE_INFINITY } = policy;
  const output = chooseOutput(policy, context, ({ datatype }) => datatype !== 'BYTES');
  return (outputs) => {
    const tensor = outputs.find((other) => other.name === output.name);
    const values = tensor === undefined ? undefined : tensorValues(tensor);
    if (values === undefined) return false;
    for (let index = 0; index < values.length; index++) {
      const value = values.at(index);
      if (value > above || value < below) return true;
    }
    return false;
  };
}

function nonFiniteJudge(policy: PolicyOf<'non-finite'>, context: JudgeContext): Judge {
  const named = context.outputs.filter(
    ({ name, datatype }) => isFloat(datatype) && (policy.output === undefined || name === policy.output),
  );
  if (named.length === 0) {
    throw refusal(
      policy,
      `the model has no floating-point output${policy.output === undefined ? '' : ` '${policy.output}'`}`,
    );
  }
  const names = new Set(named.map(({ name }) => name));
  return (outputs) => outputs.some((tensor) => names.has(tensor.name) && hasNonFinite(tensor));
}

function hasNonFinite(tensor: Tensor): boolean {
  const values = tensorValues(tensor);
  if (values === undefined) return false;
  for (let index = 0; index < values.length; index++) if (!Number.isFinite(values.at(index))) return true;
  return false;
}

type OutputPolicy = ScorePolicy | PolicyOf<'threshold'>;
type Fits = (output: TensorMetadata) => boolean;

function chooseOutput(policy: OutputPolicy, context: JudgeContext, fits: Fits): TensorMetadata {
  const known = context.outputs.map(({ name, datatype }) => `${name} (${datatype})`).join(', ');
  if (policy.output !== undefined) {
    const named = context.outputs.find(({ name }) => name === policy.output);
    if (named === undefined)
      throw refusal(policy, `the model has no output '${policy.output}': it has ${known}`);
    if (!fits(named))
      throw refusal(policy, `output '${named.name}' of type ${named.datatype} does not fit it`);
    return named;
  }
  const [first, second] = context.outputs.filter(fits);
  if (first === undefined) throw refusal(policy, `none of the model's outputs fits it: ${known}`);
  if (second !== undefined)
    throw refusal(policy, `several outputs fit it, so 'output' must name one of ${known}`);
  return first;
}

function chooseOutputOrNone(
  policy: PolicyOf<'by-class'>,
  context: JudgeContext,
  fits: Fits,
): TensorMetadata | undefined {
  const candidates = context.outputs.filter(
    (output) => fits(output) && (policy.output === undefined || output.name === policy.output),
  );
  const scores = context.outputs.filter(({ datatype }) => isFloat(datatype));
  return policy.output === undefined && scores.length > 0 ? undefined : candidates[0];
}

function refusal(policy: CapturePolicy, reason: string): EdgeError {
  return new EdgeError('POLICY_UNFIT', `Cannot apply capture policy '${reasonTag(policy)}' as ${reason}`, {
    field: `policies.${reasonTag(policy)}`,
  });
}
