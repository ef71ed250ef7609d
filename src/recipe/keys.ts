import { isJsonObject } from '../core/mod.js';
import { STEP_NAMES } from './schema.js';

/**
 * Why a refused key was refused, where the reason is its spelling: the nucleus (Java) ignores case, nucleus lite
 * does not, so only one spelling works on both.
 */
const SPELLINGS: readonly string[] = [
  ...STEP_NAMES,
  'os',
  'architecture',
  'architecture.detail',
  'runtime',
  'all',
  'RecipeFormatVersion',
  'ComponentName',
  'ComponentVersion',
  'ComponentDescription',
  'ComponentPublisher',
  'ComponentType',
  'ComponentConfiguration',
  'DefaultConfiguration',
  'ComponentDependencies',
  'VersionRequirement',
  'DependencyType',
  'Manifests',
  'Name',
  'Platform',
  'Lifecycle',
  'Selections',
  'Artifacts',
  'Uri',
  'Unarchive',
  'Permission',
  'Read',
  'Execute',
  'Digest',
  'Algorithm',
  'Script',
  'Setenv',
  'Timeout',
  'Skipif',
  'RequiresPrivilege',
];

/** The spelling that works on both nuclei, of a key that was written in another case or nearly so. */
export function spellingOf(key: string): string | undefined {
  const lower = key.toLowerCase();
  const same = SPELLINGS.find((known) => known.toLowerCase() === lower);
  if (same !== undefined) return same === key ? undefined : same;
  return SPELLINGS.find((known) => distance(known.toLowerCase(), lower) <= (known.length > 3 ? 2 : 1));
}

/** Edit distance with swaps of neighbours, enough for words. */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, row) => [row]);
  for (let column = 1; column <= b.length; column++) (rows[0] ?? [])[column] = column;
  const cell = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? cell(i - 2, j - 2) + 1 : Infinity;
      const replaced = cell(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      (rows[i] ?? [])[j] = Math.min(cell(i - 1, j) + 1, cell(i, j - 1) + 1, replaced, swapped);
    }
  }
  return cell(a.length, b.length);
}

/** A key of `object` that was meant as `wanted`, but is spelt otherwise. */
export function misspellingOf(wanted: string, object: unknown): string | undefined {
  if (!isJsonObject(object)) return undefined;
  return Object.keys(object).find((key) => spellingOf(key) === wanted);
}
