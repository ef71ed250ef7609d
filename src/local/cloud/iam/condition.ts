import type { Context } from './context.js';
import { matchesArn, matchesText } from './pattern.js';

export interface PolicyCondition {
  readonly operator: string;
  /** Lower case. */
  readonly key: string;
  readonly values: readonly string[];
}

type Compare = (wanted: string, found: string, context: Context) => boolean;
interface Operator {
  readonly matches: Compare;
  readonly negated: boolean;
}

const equals: Compare = (wanted, found, context) => matchesText(escapeSigns(wanted), found, context);
const equalsIgnoreCase: Compare = (wanted, found, context) =>
  equals(wanted.toLowerCase(), found.toLowerCase(), context);
const bool: Compare = (wanted, found) => wanted.toLowerCase() === found.toLowerCase();

/** What is understood. Any other operator is refused when its policy is read. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['StringEquals', { matches: equals, negated: false }],
  ['StringNotEquals', { matches: equals, negated: true }],
  ['StringEqualsIgnoreCase', { matches: equalsIgnoreCase, negated: false }],
  ['StringNotEqualsIgnoreCase', { matches: equalsIgnoreCase, negated: true }],
  ['StringLike', { matches: matchesText, negated: false }],
  ['StringNotLike', { matches: matchesText, negated: true }],
  ['ArnEquals', { matches: matchesArn, negated: false }],
  ['ArnNotEquals', { matches: matchesArn, negated: true }],
  ['ArnLike', { matches: matchesArn, negated: false }],
  ['ArnNotLike', { matches: matchesArn, negated: true }],
  ['Bool', { matches: bool, negated: false }],
  ['Null', { matches: bool, negated: false }],
]);

/** Whether a request's context meets the condition, as IAM decides it. */
export function meets({ operator, key, values }: PolicyCondition, context: Context): boolean {
  const [, set, name = '', ifExists] =
    /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  const found = context[key];
  if (name === 'Null') return values.some((value) => bool(value, String(found === undefined), context));
  const compare = OPERATORS.get(name);
  if (compare === undefined) throw new Error(`The operator ${operator} was let in`);
  const { matches, negated } = compare;
  if (found === undefined) return ifExists !== undefined || negated || set === 'ForAllValues';
  const holds = (value: string): boolean =>
    values.some((wanted) => matches(wanted, value, context)) !== negated;
  const all = [found].flat();
  return set === 'ForAnyValue' ? all.some(holds) : all.every(holds);
}

/** `*` and `?` of a value that is to be equal stand for themselves; its variables are filled in. */
function escapeSigns(value: string): string {
  return value.replaceAll(/\$\{[^}]*\}|[*?]/g, (found) => (found.length > 1 ? found : `\${${found}}`));
}
