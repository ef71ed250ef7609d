import semver from 'semver';
import { EdgeError, isJsonObject, validate, type JsonObject } from '../core/mod.js';
import { readAsClassic, valueOfKey } from './classic.js';
import { misspellingOf, spellingOf } from './keys.js';
import { ClassicRecipeSchema, RecipeSchema, type Lifecycle, type Recipe } from './schema.js';
import { readYaml } from './yaml.js';

/** Which nucleus reads the recipe: `nucleus` is the Java one, `lite` is nucleus lite. */
export type RecipeProfile = 'nucleus' | 'lite';

/** AWS refuses recipes above this; bytes of the text in UTF-8. */
export const MAX_RECIPE_BYTES = 16_000;

const WHAT = 'Cannot read the recipe';

/** A recipe, and how a nucleus reads it. */
export interface ReadRecipe {
  readonly recipe: Recipe;
  /** As it is written: what goes to AWS where the recipe is somebody else's. */
  readonly document: JsonObject;
  /** What a person should know of it, a sentence each; of recipes of ours none, since those are refused. */
  readonly warnings: readonly string[];
}

/** As {@link readRecipe}, the recipe alone. */
export function parseRecipe(text: string, profile: RecipeProfile = 'nucleus'): Recipe {
  return readRecipe(text, profile).recipe;
}

/**
 * A recipe's text, YAML or JSON, as an object that passed {@link validateRecipe}. One of somebody else's component is
 * read as the nucleus (Java) reads it where that is who reads: AWS takes it, whatever its spelling.
 * On `lite` the scalars of a YAML recipe come as strings, as there; those of a JSON recipe keep their types.
 * @throws EdgeError INVALID_ARGUMENT that names the key
 */
export function readRecipe(text: string, profile: RecipeProfile = 'nucleus'): ReadRecipe {
  const size = new TextEncoder().encode(text).length;
  if (size > MAX_RECIPE_BYTES) {
    throw new EdgeError(
      'RECIPE_INVALID',
      `${WHAT} as it must have at most ${MAX_RECIPE_BYTES} bytes: current size is ${size}`,
      { nextStep: 'Move large values out of the default configuration, into an artifact' },
    );
  }
  const isJson = text.trimStart().startsWith('{');
  const document = isJson ? parseJson(text) : parseYaml(text, 'core');
  if (profile === 'nucleus' && isOthers(document)) {
    const { value, notes } = readAsClassic(document);
    const recipe = checkWhole(validate(ClassicRecipeSchema, value, WHAT) as Recipe);
    return { recipe, document, warnings: notes };
  }
  const recipe = validateRecipe(document);
  if (profile === 'nucleus' || isJson) return { recipe, document, warnings: [] };
  // Checked above with types; here only the scalars differ, and the schema takes their string forms too.
  return { recipe: parseYaml(text, 'failsafe') as Recipe, document, warnings: [] };
}

/** Ours are held to the one spelling that works on both nuclei; a recipe without a name is told so in its terms. */
function isOthers(document: JsonObject): boolean {
  const name = valueOfKey(document, 'ComponentName');
  return typeof name === 'string' && !/^org\.edgemanager(\.|$)/.test(name);
}

/**
 * `value` as a recipe: known keys in the one spelling that works on both nuclei, a semantic version, one of
 * `run` and `startup`, artifact URIs with distinct file names.
 */
export function validateRecipe(value: unknown): Recipe {
  return checkWhole(checkKeys(value));
}

function checkWhole(recipe: Recipe): Recipe {
  if (semver.valid(recipe.ComponentVersion) !== recipe.ComponentVersion.replace(/\+.*$/, '')) {
    throw invalid(
      'ComponentVersion',
      `must be a semantic version: current value is "${recipe.ComponentVersion}"`,
    );
  }
  recipe.Manifests.forEach((manifest, index) => {
    checkLifecycle(manifest.Lifecycle, `Manifests[${index}].Lifecycle`);
    checkArtifacts(manifest.Artifacts ?? [], `Manifests[${index}].Artifacts`);
  });
  for (const [name, lifecycle] of Object.entries(recipe.Lifecycle ?? {})) {
    checkLifecycle(lifecycle, `Lifecycle.${name}`);
  }
  return recipe;
}

function checkKeys(value: unknown): Recipe {
  try {
    return validate(RecipeSchema, value, WHAT);
  } catch (error) {
    throw error instanceof EdgeError ? withSpelling(error, value) : error;
  }
}

/** A misspelt key shows as unknown or, where it is required, as missing: both are told as the key that was written. */
function withSpelling(error: EdgeError, value: unknown): EdgeError {
  const [, path = '', key = ''] = /^(?:(.*)\.)?([^.]+)$/.exec(error.field ?? '') ?? [];
  const isMissing = error.reason === 'FIELD_MISSING';
  if (!isMissing && error.reason !== 'FIELD_UNKNOWN') return error;
  const written = isMissing ? misspellingOf(key, valueAt(value, path)) : key;
  const spelling = isMissing ? key : spellingOf(key);
  if (written === undefined || spelling === undefined) return error;
  const field = path === '' ? written : `${path}.${written}`;
  return new EdgeError('FIELD_UNKNOWN', `${WHAT} as '${field}' is not a known key`, {
    field,
    nextStep: `Write '${spelling}' instead of '${written}': nucleus lite tells capital letters from small ones`,
    cause: error,
  });
}

/** Walks a field path such as `Manifests[0].Artifacts[1]`; keys with dots in them lead nowhere. */
function valueAt(root: unknown, path: string): unknown {
  let value = root;
  for (const part of path.split(/[.[\]]+/).filter((text) => text !== '')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

function checkLifecycle(lifecycle: Lifecycle | undefined, path: string): void {
  if (lifecycle?.run !== undefined && lifecycle.startup !== undefined) {
    throw invalid(`${path}.run`, "must not stand beside 'startup': a component has one of the two");
  }
}

function checkArtifacts(artifacts: readonly { readonly Uri: string }[], path: string): void {
  const seen = new Set<string>();
  artifacts.forEach(({ Uri }, index) => {
    const name = Uri.slice(Uri.lastIndexOf('/') + 1);
    const field = `${path}[${index}].Uri`;
    if (!/^[a-z0-9+.-]+:/i.test(Uri) || /^\.*$/.test(name)) {
      throw invalid(field, `must be a URI that ends with a file name: current value is "${Uri}"`);
    }
    if (seen.has(name)) throw invalid(field, `must have a file name of its own: "${name}" is there twice`);
    seen.add(name);
  });
}

function parseJson(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new EdgeError('RECIPE_INVALID', `${WHAT} as it is not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!isJsonObject(value)) throw invalid('', 'must be a map of keys');
  return value;
}

function parseYaml(text: string, scalars: 'core' | 'failsafe'): JsonObject {
  const value = readYaml(text, 'the recipe', { reason: 'RECIPE_INVALID', scalars });
  if (!isJsonObject(value)) throw invalid('', 'must be a map of keys');
  return value;
}

function invalid(field: string, sentence: string): EdgeError {
  const name = field === '' ? 'it' : `'${field}'`;
  return new EdgeError('RECIPE_INVALID', `${WHAT} as ${name} ${sentence}`, { field });
}
