import { EdgeError, isJsonObject, type Json, type JsonObject } from '../../core/mod.js';
import { pointerParts } from '../../recipe/mod.js';
import type { Profile, WantedComponent } from './api/mod.js';

type KeyPath = readonly string[];

/** Maps are merged key by key; everything else, lists among it, is replaced. */
export function merged(base: Json | undefined, update: Json): Json {
  if (!isJsonObject(base) || !isJsonObject(update)) return structuredClone(update);
  const result: JsonObject = { ...base };
  for (const [key, value] of Object.entries(update)) result[key] = merged(result[key], value);
  return result;
}

/**
 * A component's configuration after a deployment: what the device has, without the keys that are reset, over the
 * recipe's defaults, below what is merged. So a default that a new recipe changes does not reach a device that has
 * the key already, unless the key is reset.
 */
export function deployedConfiguration(
  present: JsonObject | undefined,
  defaults: JsonObject,
  update: WantedComponent['configurationUpdate'],
): JsonObject {
  let kept = present ?? {};
  for (const pointer of update?.reset ?? []) kept = without(kept, pointer);
  const whole = merged(defaults, kept);
  return merged(whole, update?.merge ?? {}) as JsonObject;
}

/** Removes what a JSON pointer names; "" is everything. Elements of lists cannot be reset, as on a core. */
function without(configuration: JsonObject, pointer: string): JsonObject {
  if (pointer !== '' && !pointer.startsWith('/')) {
    throw new EdgeError(
      'CONFIGURATION_INVALID',
      `Cannot reset "${pointer}" as it must be a JSON pointer that starts with "/", or ""`,
    );
  }
  return removed(configuration, pointerParts(pointer));
}

function removed(configuration: JsonObject, [key, ...rest]: KeyPath): JsonObject {
  if (key === undefined) return {};
  const { [key]: child, ...others } = configuration;
  if (child === undefined) return configuration;
  if (rest.length === 0) return others;
  return isJsonObject(child) ? { ...configuration, [key]: removed(child, rest) } : configuration;
}

export function valueAt(configuration: Json, keyPath: KeyPath): Json | undefined {
  let value: Json | undefined = configuration;
  for (const key of keyPath) {
    if (!isJsonObject(value)) return undefined;
    value = Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

/** The configuration with `value` merged in at the key path. */
export function withValueAt(configuration: JsonObject, keyPath: KeyPath, value: Json): JsonObject {
  const update = keyPath.reduceRight<Json>((inner, key) => ({ [key]: inner }), value);
  return merged(configuration, update) as JsonObject;
}

/** A leaf that differs. */
interface ChangedLeaf {
  readonly path: KeyPath;
  readonly isNew: boolean;
}

/** The leaves that differ, in the order of their keys; of a new object each one. */
export function changedLeaves(
  before: Json | undefined,
  after: Json | undefined,
  at: KeyPath = [],
): ChangedLeaf[] {
  if (isJsonObject(after) && (isJsonObject(before) || before === undefined)) {
    const keys = new Set([...Object.keys(before ?? {}), ...Object.keys(after)]);
    if (keys.size > 0)
      return [...keys].flatMap((key) => changedLeaves(before?.[key], after[key], [...at, key]));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path: at, isNew: before === undefined }];
}

/**
 * What a subscription at `keyPath` is told of changed leaves: one event each. The Java nucleus tells a new one twice,
 * when it is made and when it gets its value; lite has its keys in the order of the alphabet.
 */
export function eventsFor(leaves: readonly ChangedLeaf[], keyPath: KeyPath, profile: Profile): KeyPath[] {
  const relevant = leaves.filter(({ path }) =>
    path.length >= keyPath.length ? startsWith(path, keyPath) : startsWith(keyPath, path),
  );
  if (profile === 'nucleus') return relevant.flatMap(({ path, isNew }) => (isNew ? [path, path] : [path]));
  return relevant.map(({ path }) => path).sort((a, b) => (a.join('\0') < b.join('\0') ? -1 : 1));
}

/** Whether a merge makes an object where there was none: the Java nucleus dates it later than the update itself. */
export function makesObject(before: Json, update: Json): boolean {
  if (!isJsonObject(before) || !isJsonObject(update)) return false;
  return Object.entries(update).some(
    ([key, value]) => isJsonObject(value) && (before[key] === undefined || makesObject(before[key], value)),
  );
}

function startsWith(path: KeyPath, start: KeyPath): boolean {
  return start.every((key, index) => path[index] === key);
}
