import { canonicalJson, isJsonObject, type JsonObject } from '../../src/core/mod.js';
import type { ComponentSet, DeployedComponent } from '../cloud/fleet/mod.js';

export type { ComponentSet, DeployedComponent } from '../cloud/fleet/mod.js';

/** Names that this module may change or remove: everything else in a deployment belongs to others. */
export const OWN_COMPONENT_PREFIX = 'org.edgemanager.';

export function isOwnComponent(name: string, alsoOwned: readonly string[] = []): boolean {
  return name.startsWith(OWN_COMPONENT_PREFIX) || alsoOwned.includes(name);
}

export type ComponentChange =
  | { readonly kind: 'add'; readonly name: string; readonly to: DeployedComponent }
  | {
      readonly kind: 'change';
      readonly name: string;
      readonly from: DeployedComponent;
      readonly to: DeployedComponent;
    }
  | { readonly kind: 'remove'; readonly name: string; readonly from: DeployedComponent };

/**
 * The new set: what is there, with our components put in and the named ones of ours taken out. A component of
 * others is never dropped or changed, whatever is asked.
 */
export function mergeComponents(
  current: ComponentSet,
  wanted: ComponentSet,
  remove: readonly string[] = [],
): ComponentSet {
  const merged: Record<string, DeployedComponent> = { ...current };
  for (const name of remove) if (isOwnComponent(name)) delete merged[name];
  for (const [name, component] of Object.entries(wanted)) merged[name] = { ...current[name], ...component };
  return Object.fromEntries(Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What changes between two sets, sorted by name; equal components are left out. */
export function diffComponents(current: ComponentSet, next: ComponentSet): readonly ComponentChange[] {
  const names = [...new Set([...Object.keys(current), ...Object.keys(next)])].sort((a, b) =>
    a < b ? -1 : 1,
  );
  const changes: ComponentChange[] = [];
  for (const name of names) {
    const from = current[name];
    const to = next[name];
    if (from === undefined && to !== undefined) changes.push({ kind: 'add', name, to });
    else if (from !== undefined && to === undefined) changes.push({ kind: 'remove', name, from });
    else if (from !== undefined && to !== undefined && !sameComponent(from, to)) {
      changes.push({ kind: 'change', name, from, to });
    }
  }
  return changes;
}

/** The set after changes, whatever it had of the same names before. */
export function applyChanges(set: ComponentSet, changes: readonly ComponentChange[]): ComponentSet {
  const result: Record<string, DeployedComponent> = { ...set };
  for (const change of changes) {
    if (change.kind === 'remove') delete result[change.name];
    else result[change.name] = change.to;
  }
  return result;
}

/** Equal in what a device would do with it; the order of keys and an empty update mean nothing. */
export function sameComponent(a: DeployedComponent, b: DeployedComponent): boolean {
  return canonicalJson(normal(a)) === canonicalJson(normal(b));
}

/** Components of others that a change would touch: must be empty before anything is created. */
export function foreignChanges(
  changes: readonly ComponentChange[],
  alsoOwned: readonly string[] = [],
): readonly string[] {
  return changes.filter((change) => !isOwnComponent(change.name, alsoOwned)).map((change) => change.name);
}

function normal(component: DeployedComponent): JsonObject {
  const { reset = [], merge = {} } = component.configurationUpdate ?? {};
  return {
    componentVersion: component.componentVersion,
    reset: [...reset],
    merge: isJsonObject(merge) ? merge : {},
    runWith: component.runWith ?? {},
  };
}
