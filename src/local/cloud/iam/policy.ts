import { Type, type Static } from '@sinclair/typebox';
import { EdgeError, validate } from '../../../core/mod.js';
import { OPERATORS, type PolicyCondition } from './condition.js';

const Texts = Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })]);
const Values = Type.Union([Texts, Type.Boolean()]);
const Statement = Type.Object(
  {
    Sid: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9]*$' })),
    Effect: Type.Union([Type.Literal('Allow'), Type.Literal('Deny')]),
    Principal: Type.Optional(Type.Object({ Service: Texts }, { additionalProperties: false })),
    Action: Type.Optional(Texts),
    NotAction: Type.Optional(Texts),
    Resource: Type.Optional(Texts),
    NotResource: Type.Optional(Texts),
    Condition: Type.Optional(Type.Record(Type.String(), Type.Record(Type.String(), Values))),
  },
  { additionalProperties: false },
);
const Document = Type.Object(
  {
    // The former version knows no variables: a policy that means one would grant something else.
    Version: Type.Literal('2012-10-17'),
    Id: Type.Optional(Type.String()),
    Statement: Type.Union([Statement, Type.Array(Statement, { minItems: 1 })]),
  },
  { additionalProperties: false },
);
type StatementText = Static<typeof Statement>;

/** Who a policy is attached to (`identity`), or who may take on the role that it stands at (`trust`). */
export type PolicyKind = 'identity' | 'trust';

/** One statement, each element as a list. */
export interface PolicyStatement {
  readonly effect: 'Allow' | 'Deny';
  readonly services: readonly string[] | undefined;
  readonly actions: Choice;
  /** Undefined in trust policies, which speak of the role itself. */
  readonly resources: Choice | undefined;
  readonly conditions: readonly PolicyCondition[];
}

/** What a pattern must match, or must not. */
export interface Choice {
  readonly patterns: readonly string[];
  readonly negated: boolean;
}

export type Policy = readonly PolicyStatement[];

/**
 * A document as IAM and IoT take it. What is not understood here is refused, never passed over: a condition that
 * nobody evaluates would grant what it was to hold back.
 * @throws EdgeError FIELD_INVALID, FIELD_MISSING or FIELD_UNKNOWN that names the field
 */
export function parsePolicy(document: unknown, kind: PolicyKind = 'identity'): Policy {
  const { Statement: statements } = validate(Document, document, 'Cannot read the policy');
  return [statements].flat().map((statement, index) => readStatement(statement, kind, `Statement[${index}]`));
}

function readStatement(statement: StatementText, kind: PolicyKind, field: string): PolicyStatement {
  const { Effect, Principal, Condition = {} } = statement;
  const actions = readChoice(statement.Action, statement.NotAction, `${field}.Action`);
  if (actions === undefined) throw malformed(`${field}.Action`, 'one of Action and NotAction', 'neither');
  const resources = readChoice(statement.Resource, statement.NotResource, `${field}.Resource`);
  if ((resources === undefined) !== (kind === 'trust'))
    throw malformed(`${field}.Resource`, kind === 'trust' ? 'none' : 'one of Resource and NotResource', kind);
  if ((Principal === undefined) !== (kind === 'identity'))
    throw malformed(`${field}.Principal`, kind === 'trust' ? 'a service' : 'none', kind);
  return {
    effect: Effect,
    services: Principal === undefined ? undefined : [Principal.Service].flat(),
    actions,
    resources,
    conditions: Object.entries(Condition).flatMap(([operator, keys]) =>
      readConditions(operator, keys, `${field}.Condition.${operator}`),
    ),
  };
}

function readChoice(
  positive: string | string[] | undefined,
  negative: string | string[] | undefined,
  field: string,
): Choice | undefined {
  if (positive !== undefined && negative !== undefined) throw malformed(field, 'it or its negation', 'both');
  const given = positive ?? negative;
  return given === undefined ? undefined : { patterns: [given].flat(), negated: positive === undefined };
}

function readConditions(
  operator: string,
  keys: Readonly<Record<string, string | string[] | boolean>>,
  field: string,
): readonly PolicyCondition[] {
  const base = operator.replace(/^For(?:AnyValue|AllValues):/, '').replace(/IfExists$/, '');
  if (!OPERATORS.has(base)) throw malformed(field, `one of ${[...OPERATORS.keys()].join(', ')}`, base);
  return Object.entries(keys).map(([key, value]) => ({
    operator,
    key: key.toLowerCase(),
    values: [value].flat().map(String),
  }));
}

function malformed(field: string, wanted: string, current: string): EdgeError {
  return new EdgeError(
    'FIELD_INVALID',
    `Cannot read the policy as '${field}' is not understood: wanted ${wanted}, current value is ${current}`,
    { field },
  );
}
