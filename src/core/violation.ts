import type { ErrorObject } from 'ajv';
import type { Reason } from '../contract/codes/mod.js';
import { shown } from './shown.js';
import { wantedBy } from './wanted.js';

/** What is wrong with a value, for people: the field, what was wanted, what came. */
export interface Violation {
  readonly reason: Extract<Reason, 'FIELD_INVALID' | 'FIELD_MISSING' | 'FIELD_UNKNOWN'>;
  /** A path such as `inputs[0].shape`; '' is the value itself. */
  readonly field: string;
  /** Without the action: `'size' must be at least 1: current value is 0`. */
  readonly sentence: string;
}

/** Keywords that say no more of a union than that a branch is another one. */
const OTHER_BRANCH = new Set(['type', 'const', 'enum', 'anyOf']);
const MAX_NAME_CHARS = 80;

/** The one violation to tell, of all that a check found before it gave up. */
export function violationOf(errors: readonly ErrorObject[], root: unknown): Violation {
  const error = mostTelling(errors);
  if (error === undefined) return { reason: 'FIELD_INVALID', field: '', sentence: 'it is not valid' };
  const path = pathOf(error);
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case 'additionalProperties': {
      const field = join([...path, cut(String(params['additionalProperty']))]);
      const sentence = `'${field}' is not a known key${knownKeys(error)}`;
      return { reason: 'FIELD_UNKNOWN', field, sentence };
    }
    case 'required': {
      const field = join([...path, String(params['missingProperty'])]);
      return { reason: 'FIELD_MISSING', field, sentence: `'${field}' is missing` };
    }
    default: {
      const field = join(path);
      const wanted = wantedBy(error.keyword, params, error.parentSchema ?? {});
      const sentence = `${field === '' ? 'it' : `'${field}'`} ${wanted}: current value is ${shown(at(root, path), path)}`;
      return { reason: 'FIELD_INVALID', field, sentence };
    }
  }
}

/**
 * A check ends at the first violation, and that of a union comes last, behind those of its branches: the branch
 * that came farthest is the one that was meant, unless no branch came farther than being another one.
 */
function mostTelling(all: readonly ErrorObject[]): ErrorObject | undefined {
  // A condition adds nothing to what the schema below it said.
  const errors = all.filter(({ keyword }) => keyword !== 'if');
  const last = errors.at(-1);
  if (last?.keyword !== 'anyOf') return errors[0];
  const score = (error: ErrorObject): number =>
    2 * pathOf(error).length + (OTHER_BRANCH.has(error.keyword) ? 0 : 1);
  return errors.reduce((best, error) => (score(error) > score(best) ? error : best), last);
}

function knownKeys(error: ErrorObject): string {
  const properties = (error.parentSchema as { properties?: object } | undefined)?.properties;
  return properties === undefined ? '' : `: known are ${Object.keys(properties).join(', ')}`;
}

function pathOf(error: ErrorObject): string[] {
  return error.instancePath.split('/').slice(1).map(unescapePointer).map(cut);
}

function at(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

function join(path: readonly string[]): string {
  return path.reduce(
    (text, part) => (/^\d+$/.test(part) ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** Keys can be anything, where the value is a map. */
function cut(name: string): string {
  return name.length > MAX_NAME_CHARS ? `${name.slice(0, MAX_NAME_CHARS - 3)}...` : name;
}
