import { Type, type Static } from '@sinclair/typebox';
import { canonicalJson, EdgeError, validate, type JsonObject } from '../../src/core/mod.js';
import { sha256Hex } from '../../src/system/mod.js';
import type { ComponentSet } from './components.js';
import { MAX_STAGES, type DeviceSelection } from './stages.js';

const strict = { additionalProperties: false } as const;
const Share = Type.Number({ minimum: 0, maximum: 1 });
const Component = Type.Object(
  {
    version: Type.String({ pattern: String.raw`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$` }),
    merge: Type.Optional(Type.Unsafe<JsonObject>(Type.Object({}))),
    /** JSON pointers into our own configuration that go back to the recipe's values. */
    reset: Type.Optional(Type.Array(Type.String())),
  },
  strict,
);
const Configuration = Type.Omit(Type.Partial(Component), ['version'], strict);

const Stage = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 63, pattern: '^[a-zA-Z0-9](-*[a-zA-Z0-9])*$' }),
    select: Type.Union([
      Type.Object({ percentage: Type.Number({ exclusiveMinimum: 0, maximum: 100 }) }, strict),
      Type.Object({ devices: Type.Array(Type.String(), { minItems: 1 }) }, strict),
      Type.Object({ nameContains: Type.String({ minLength: 1 }) }, strict),
    ]),
    failureHandling: Type.Union([Type.Literal('ROLLBACK_ON_FAILURE'), Type.Literal('DO_NOTHING')]),
    /** manual: `deploy continue` starts the next stage. Default auto. */
    next: Type.Optional(Type.Union([Type.Literal('auto'), Type.Literal('manual')])),
    soakSeconds: Type.Optional(Type.Integer({ minimum: 0 })),
    /** Configuration of this stage's devices in place of the plan's. */
    components: Type.Optional(Type.Record(Type.String(), Configuration)),
  },
  strict,
);

/** What to bring where, in which steps, and what stops it. Rate, abort criteria, timeout and gate have no defaults. */
export const RolloutPlanSchema = Type.Object(
  {
    fleet: Type.String({ minLength: 1, maxLength: 100, pattern: '^[a-zA-Z0-9:_-]+$' }),
    /** Told apart from a former rollout of the same components. Default 1. */
    attempt: Type.Optional(Type.Integer({ minimum: 1 })),
    components: Type.Record(Type.String(), Component, { minProperties: 1 }),
    remove: Type.Optional(Type.Array(Type.String())),
    /** Components outside org.edgemanager that this plan may change. */
    owns: Type.Optional(Type.Array(Type.String())),
    stages: Type.Array(Stage, { minItems: 1, maxItems: MAX_STAGES }),
    ratePerMinute: Type.Integer({ minimum: 1, maximum: 1000 }),
    abort: Type.Object(
      {
        thresholdPercentage: Type.Number({ minimum: 1, maximum: 100 }),
        minNumberOfExecutedThings: Type.Integer({ minimum: 1 }),
      },
      strict,
    ),
    timeoutMinutes: Type.Integer({ minimum: 1, maximum: 10080 }),
    gate: Type.Object(
      {
        minSucceededShare: Share,
        maxFailedShare: Share,
        minFinished: Type.Integer({ minimum: 1 }),
        soakSeconds: Type.Integer({ minimum: 0 }),
        timeoutSeconds: Type.Integer({ minimum: 1 }),
      },
      strict,
    ),
    /**
     * Models whose heartbeats must say that they serve. Without them, a heartbeat that says that a model component's
     * version does not serve still counts as a failure.
     */
    models: Type.Optional(
      Type.Array(Type.Object({ name: Type.String(), version: Type.String() }, strict), { maxItems: 20 }),
    ),
  },
  strict,
);
export type RolloutPlan = Static<typeof RolloutPlanSchema>;
export type RolloutStage = RolloutPlan['stages'][number];

/** Checks a plan as a whole; throws INVALID_ARGUMENT with the key. */
export function checkPlan(value: unknown): RolloutPlan {
  const plan = validate(RolloutPlanSchema, value, 'Cannot use the rollout plan');
  const last = plan.stages.at(-1);
  if (last === undefined || !('percentage' in last.select) || last.select.percentage !== 100) {
    throw refused('stages', 'the last stage must bring it to all devices (select: { percentage: 100 })');
  }
  if (new Set(plan.stages.map((stage) => stage.name)).size < plan.stages.length) {
    throw refused('stages', 'each stage must have a name of its own');
  }
  for (const [index, stage] of plan.stages.entries()) {
    for (const name of Object.keys(stage.components ?? {})) {
      if (plan.components[name] === undefined) {
        throw refused(`stages[${index}].components`, `${name} is no component of the plan`);
      }
    }
  }
  return plan;
}

function refused(field: string, reason: string): EdgeError {
  return new EdgeError('ROLLOUT_INVALID', `Cannot use the rollout plan as ${reason}`, { field });
}

export function selectionOf(stage: RolloutStage): DeviceSelection {
  const { select } = stage;
  if ('percentage' in select) return { deviceSubsetType: 'PERCENTAGE', percentage: select.percentage };
  if ('devices' in select) return { deviceSubsetType: 'SELECTION', deviceNames: select.devices };
  return { deviceSubsetType: 'NAMECONTAINS', deviceNameContains: select.nameContains };
}

/** What a stage's devices should have of ours. */
export function wantedIn(plan: RolloutPlan, stage: RolloutStage): ComponentSet {
  return Object.fromEntries(
    Object.entries(plan.components).map(([name, { version, ...base }]) => {
      const update = { ...base, ...stage.components?.[name] };
      return [
        name,
        {
          componentVersion: version,
          ...(Object.keys(update).length === 0 ? {} : { configurationUpdate: update }),
        },
      ];
    }),
  );
}

export function digest(...parts: readonly unknown[]): string {
  return sha256Hex(...parts.map((part) => `${canonicalJson(part)}\0`)).slice(0, 24);
}

/** Equal plans have equal ids, so that a second start of the same command goes on with the first. */
export function planId(plan: RolloutPlan): string {
  return digest(plan);
}
