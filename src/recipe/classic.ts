import { isJsonObject, type Json, type JsonObject } from '../core/mod.js';
import { spellingOf } from './keys.js';
import { COMPONENT_TYPES, STEP_NAMES } from './schema.js';

const RECIPE_KEYS = [
  'RecipeFormatVersion',
  'ComponentName',
  'ComponentVersion',
  'ComponentDescription',
  'ComponentPublisher',
  'ComponentType',
  'ComponentConfiguration',
  'ComponentDependencies',
  'Manifests',
  'Lifecycle',
];
const MANIFEST_KEYS = ['Name', 'Platform', 'Lifecycle', 'Selections', 'Artifacts'];
const ARTIFACT_KEYS = ['Uri', 'Unarchive', 'Permission', 'Digest', 'Algorithm'];
const DEPENDENCY_KEYS = ['VersionRequirement', 'DependencyType'];
const STEP_KEYS = ['Script', 'Setenv', 'Timeout', 'Skipif', 'RequiresPrivilege'];
/** The selection that counts whatever a manifest selects. */
const ALL = 'all';

/** A value by its key, whatever the case of that key. */
export function valueOfKey(object: JsonObject, key: string): Json | undefined {
  const wanted = key.toLowerCase();
  const written = Object.keys(object).find((name) => name.toLowerCase() === wanted);
  return written === undefined ? undefined : object[written];
}

/**
 * A recipe as the nucleus (Java) reads it, in the spelling of our schema: keys and words of choice in any case, unknown
 * keys left out, null as absent, the recipe-wide lifecycle resolved for each manifest by its selections. Attributes of
 * platforms keep their spelling: those are compared as they are written.
 * Source: aws-greengrass-component-common, and RecipeLoader and PlatformResolver of the nucleus.
 * @returns what was read, and a sentence for each thing that another reader would see otherwise
 */
export function readAsClassic(document: JsonObject): {
  readonly value: JsonObject;
  readonly notes: readonly string[];
} {
  const notes: string[] = [];
  const top = canonical(document, RECIPE_KEYS, '', notes);
  const { Lifecycle: shared, ...recipe } = top;
  const given = Array.isArray(recipe['Manifests']) ? recipe['Manifests'] : [];
  const manifests = given.map((one, index) => manifestOf(one, `Manifests[${index}]`, notes));
  const keywords = new Set([
    ALL,
    ...manifests.flatMap((manifest) => (isJsonObject(manifest) ? selectionsOf(manifest) : [])),
  ]);
  if (manifests.length === 0)
    notes.push(
      "'Manifests' is empty: AWS takes it, and the nucleus refuses to load a recipe without manifests",
    );
  return {
    value: {
      ...recipe,
      ...wordOf(recipe, 'ComponentType', (word) =>
        COMPONENT_TYPES.find((type) => type === word.toLowerCase()),
      ),
      ...dependenciesOf(recipe, notes),
      ...configurationOf(recipe, notes),
      Manifests: manifests.map((manifest, index) =>
        isJsonObject(manifest) && isJsonObject(shared) && isEmpty(manifest['Lifecycle'])
          ? { ...manifest, Lifecycle: selected(shared, keywords, manifest, `Manifests[${index}]`, notes) }
          : manifest,
      ),
    },
    notes,
  };
}

/** Known keys in their spelling; the others are noted and left out, as is null. */
function canonical(object: JsonObject, known: readonly string[], path: string, notes: string[]): JsonObject {
  const read: JsonObject = {};
  for (const [key, value] of Object.entries(object)) {
    const name = known.find((one) => one.toLowerCase() === key.toLowerCase());
    const field = path === '' ? key : `${path}.${key}`;
    if (name === undefined) notes.push(unknown(field, key, known));
    else if (name !== key)
      notes.push(`'${field}' is read by the nucleus as '${name}', by nucleus lite not at all`);
    if (name !== undefined && value !== null) read[name] = value;
  }
  return read;
}

function unknown(field: string, key: string, known: readonly string[]): string {
  const meant = spellingOf(key);
  const hint = meant !== undefined && known.includes(meant) ? `; '${meant}' may be meant` : '';
  return `'${field}' is not a known key: the nucleus leaves it out${hint}`;
}

function manifestOf(value: Json, path: string, notes: string[]): Json {
  if (!isJsonObject(value)) return value;
  const manifest = canonical(value, MANIFEST_KEYS, path, notes);
  const { Artifacts: artifacts, Lifecycle: lifecycle } = manifest;
  return {
    ...manifest,
    ...(isJsonObject(lifecycle) ? { Lifecycle: lifecycleOf(lifecycle, `${path}.Lifecycle`, notes) } : {}),
    ...(Array.isArray(artifacts)
      ? { Artifacts: artifacts.map((one, index) => artifactOf(one, `${path}.Artifacts[${index}]`, notes)) }
      : {}),
  };
}

function lifecycleOf(value: JsonObject, path: string, notes: string[]): JsonObject {
  const lifecycle = canonical(value, ['Setenv', ...STEP_NAMES], path, notes);
  return Object.fromEntries(
    Object.entries(lifecycle).map(([name, step]) => [
      name,
      isJsonObject(step) && name !== 'Setenv' ? canonical(step, STEP_KEYS, `${path}.${name}`, notes) : step,
    ]),
  );
}

function artifactOf(value: Json, path: string, notes: string[]): Json {
  if (!isJsonObject(value)) return value;
  const artifact = canonical(value, ARTIFACT_KEYS, path, notes);
  const { Permission: permission } = artifact;
  const upper = (object: JsonObject, key: string): JsonObject =>
    wordOf(object, key, (word) => word.toUpperCase());
  const given = isJsonObject(permission)
    ? canonical(permission, ['Read', 'Execute'], `${path}.Permission`, notes)
    : undefined;
  return {
    ...artifact,
    ...upper(artifact, 'Unarchive'),
    ...(given === undefined ? {} : { Permission: { ...upper(given, 'Read'), ...upper(given, 'Execute') } }),
  };
}

function dependenciesOf({ ComponentDependencies: given }: JsonObject, notes: string[]): JsonObject {
  if (!isJsonObject(given)) return {};
  const read = Object.entries(given).map(([name, value]) => {
    if (!isJsonObject(value)) return [name, value] as const;
    const dependency = canonical(value, DEPENDENCY_KEYS, `ComponentDependencies.${name}`, notes);
    return [
      name,
      { ...dependency, ...wordOf(dependency, 'DependencyType', (word) => word.toUpperCase()) },
    ] as const;
  });
  return { ComponentDependencies: Object.fromEntries(read) };
}

function configurationOf({ ComponentConfiguration: given }: JsonObject, notes: string[]): JsonObject {
  if (!isJsonObject(given)) return {};
  return {
    ComponentConfiguration: canonical(given, ['DefaultConfiguration'], 'ComponentConfiguration', notes),
  };
}

/** A word of choice, which the nucleus takes in any case; one that it does not know stays, for the schema to refuse. */
function wordOf(object: JsonObject, key: string, read: (word: string) => string | undefined): JsonObject {
  const word = object[key];
  return typeof word === 'string' ? { [key]: read(word) ?? word } : {};
}

function selectionsOf({ Selections: given }: JsonObject): string[] {
  return Array.isArray(given) ? given.filter((one) => typeof one === 'string') : [];
}

/** The recipe-wide lifecycle as it is for one manifest. */
function selected(
  shared: JsonObject,
  keywords: ReadonlySet<string>,
  manifest: JsonObject,
  path: string,
  notes: string[],
): JsonObject {
  const chosen = filtered(shared, keywords, selectionsOf(manifest));
  if (isJsonObject(chosen) && !isEmpty(chosen)) return lifecycleOf(chosen, 'Lifecycle', notes);
  notes.push(`No part of 'Lifecycle' is for ${path}: the nucleus leaves it out`);
  return {};
}

/** At each level where a key is a selection of any manifest, the first that this one selects, or `all`, stands for it. */
function filtered(
  value: Json,
  keywords: ReadonlySet<string>,
  selections: readonly string[],
): Json | undefined {
  if (!isJsonObject(value)) return value ?? undefined;
  if (Object.keys(value).some((key) => keywords.has(key))) {
    const chosen = [...selections, ALL]
      .map((name) => value[name])
      .find((one) => one !== undefined && one !== null);
    return chosen === undefined ? undefined : filtered(chosen, keywords, selections);
  }
  const rest = Object.entries(value).flatMap(([key, one]) => {
    const part = filtered(one, keywords, selections);
    return part === undefined ? [] : [[key, part] as const];
  });
  return Object.fromEntries(rest);
}

function isEmpty(value: Json | undefined): boolean {
  return !isJsonObject(value) || Object.keys(value).length === 0;
}
