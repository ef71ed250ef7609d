import type { Context } from './context.js';

/** Whether an action such as `s3:GetObject` is one of `s3:Get*`. Case does not count. */
export function matchesAction(pattern: string, action: string): boolean {
  return toExpression(parts(pattern), 'i').test(action);
}

/**
 * Whether an ARN is one of the pattern's, its variables filled in from the context. A variable without a value
 * matches nothing. The first five parts of an ARN are compared one by one, so that no `*` reaches over their colons.
 */
export function matchesArn(pattern: string, arn: string, context: Context): boolean {
  const filled = fillIn(pattern, context);
  if (filled === undefined) return false;
  if (pattern === '*') return true;
  const wanted = splitArn(filled);
  const found = arn.split(':');
  return (
    found.length >= 6 &&
    wanted.length === 6 &&
    wanted.every((part, index) =>
      toExpression(part).test(index < 5 ? (found[index] ?? '') : found.slice(5).join(':')),
    )
  );
}

/** Whether a text is like the pattern, its variables filled in. */
export function matchesText(pattern: string, text: string, context: Context): boolean {
  const filled = fillIn(pattern, context);
  return filled !== undefined && toExpression(filled).test(text);
}

/** A pattern's signs: those that stand for others, and those that stand for themselves. */
type Part = { readonly literal: string } | '*' | '?';

function parts(pattern: string): readonly Part[] {
  return Array.from(pattern, (sign) => (sign === '*' || sign === '?' ? sign : { literal: sign }));
}

/** Undefined where a variable has no value, or several. */
function fillIn(pattern: string, context: Context): readonly Part[] | undefined {
  const filled: Part[] = [];
  let at = 0;
  for (const match of pattern.matchAll(/\$\{([^}]*)\}/g)) {
    filled.push(...parts(pattern.slice(at, match.index)));
    at = match.index + match[0].length;
    const name = match[1] ?? '';
    const value = name === '*' || name === '?' || name === '$' ? name : context[name.toLowerCase()];
    if (typeof value !== 'string') return undefined;
    filled.push({ literal: value });
  }
  return [...filled, ...parts(pattern.slice(at))];
}

function splitArn(filled: readonly Part[]): readonly (readonly Part[])[] {
  const split: Part[][] = [[]];
  for (const part of filled) {
    if (split.length < 6 && typeof part === 'object' && part.literal === ':') split.push([]);
    else split.at(-1)?.push(part);
  }
  return split;
}

function toExpression(pattern: readonly Part[], flags = ''): RegExp {
  const source = pattern.map((part) =>
    part === '*' ? '.*' : part === '?' ? '.' : part.literal.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  );
  return new RegExp(`^${source.join('')}$`, `s${flags}`);
}
