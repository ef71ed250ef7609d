import { meets } from './condition.js';
import type { Context } from './context.js';
import { matchesAction, matchesArn } from './pattern.js';
import type { Choice, Policy, PolicyStatement } from './policy.js';

/** One right that a request takes. */
export interface Need {
  /** Such as `s3:PutObject`. */
  readonly action: string;
  /** ARN, or `*` for actions that know no resources. */
  readonly resource: string;
  /** By lower-case key. */
  readonly context?: Context;
}

export type Decision = 'allowed' | 'explicit deny' | 'no statement';

/** Whether policies allow it: each Deny wins, and what no Allow names is refused. */
export function evaluate(policies: readonly Policy[], need: Need): Decision {
  const fitting = policies.flat().filter((statement) => fits(statement, need));
  if (fitting.some(({ effect }) => effect === 'Deny')) return 'explicit deny';
  return fitting.length > 0 ? 'allowed' : 'no statement';
}

/** Whether a role's trust policy lets a service take it on. */
export function trusts(policy: Policy, service: string, action: string): boolean {
  const fitting = policy.filter(
    (statement) =>
      statement.services?.includes(service) === true &&
      chosen(statement.actions, (pattern) => matchesAction(pattern, action)),
  );
  return fitting.length > 0 && fitting.every(({ effect }) => effect === 'Allow');
}

function fits(statement: PolicyStatement, { action, resource, context = {} }: Need): boolean {
  return (
    chosen(statement.actions, (pattern) => matchesAction(pattern, action)) &&
    statement.resources !== undefined &&
    chosen(statement.resources, (pattern) => pattern === '*' || matchesArn(pattern, resource, context)) &&
    statement.conditions.every((condition) => meets(condition, context))
  );
}

function chosen({ patterns, negated }: Choice, matches: (pattern: string) => boolean): boolean {
  return patterns.some(matches) !== negated;
}
