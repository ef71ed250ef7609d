import { EdgeError, type JsonObject } from '../../core/mod.js';
import {
  parseRecipe,
  selectManifest,
  type Artifact,
  type Lifecycle,
  type Platform,
  type StepName,
} from '../../recipe/mod.js';
import type { Profile } from './api/mod.js';
import type { PreparedStep } from './prepared-step.js';

/** How strongly a component hangs on another. lite makes nothing of a dependency without a type. */
export type DependencyKind = 'HARD' | 'SOFT' | 'NONE';

export interface DependencyOf {
  readonly requirement: string;
  readonly kind: DependencyKind;
}

/** One version of a component as this device sees it. */
export interface Definition {
  readonly name: string;
  readonly version: string;
  readonly recipeText: string;
  readonly dependencies: ReadonlyMap<string, DependencyOf>;
  readonly defaults: JsonObject;
}

/** What the manifest for this device's platform holds. */
export interface Selection {
  readonly lifecycle: Lifecycle;
  readonly artifacts: readonly Artifact[];
}

/** A definition as it is deployed here. */
export interface Deployed extends Definition {
  readonly isRoot: boolean;
  readonly selection: Selection;
  /** The Java nucleus fills in variables when it deploys. Lite does so at each start, and has none here. */
  readonly steps: ReadonlyMap<StepName, PreparedStep> | undefined;
}

/** @throws EdgeError INVALID_ARGUMENT for a recipe that is not valid or names another component */
export function definitionOf(
  name: string,
  version: string,
  recipeText: string,
  profile: Profile,
): Definition {
  const recipe = parseRecipe(recipeText, profile);
  if (recipe.ComponentName !== name || recipe.ComponentVersion !== version) {
    throw new EdgeError(
      'RECIPE_INVALID',
      `Cannot use the recipe of ${name} ${version} as it is of ${recipe.ComponentName} ${recipe.ComponentVersion}`,
    );
  }
  const untyped: DependencyKind = profile === 'lite' ? 'NONE' : 'HARD';
  const dependencies = new Map(
    Object.entries(recipe.ComponentDependencies ?? {}).map(
      ([dependency, { VersionRequirement, DependencyType }]) =>
        [dependency, { requirement: VersionRequirement, kind: DependencyType ?? untyped }] as const,
    ),
  );
  const defaults = (recipe.ComponentConfiguration?.DefaultConfiguration ?? {}) as JsonObject;
  return { name, version, recipeText, dependencies, defaults };
}

/** @throws EdgeError FAILED_PRECONDITION where no manifest fits, UNIMPLEMENTED for a bootstrap step */
export function selectionOf(definition: Definition, platform: Platform, profile: Profile): Selection {
  const recipe = parseRecipe(definition.recipeText, profile);
  const { ComponentType: type = 'aws.greengrass.generic' } = recipe;
  if (type !== 'aws.greengrass.generic') {
    throw new EdgeError(
      'NUCLEUS_LACKS_OPERATION',
      `Cannot deploy ${definition.name} ${definition.version} as the local nucleus runs no component of type ${type}`,
      { field: 'ComponentType', nextStep: 'Try it on a core' },
    );
  }
  if (recipe.Manifests.length === 0) {
    throw new EdgeError(
      'RECIPE_INVALID',
      `Cannot deploy ${definition.name} ${definition.version} as its recipe is missing manifests`,
      { field: 'Manifests', nextStep: 'Add a manifest, be it one without keys: { }' },
    );
  }
  const selected = selectManifest(recipe, platform, profile);
  if (selected.lifecycle.bootstrap !== undefined) {
    throw new EdgeError(
      'NUCLEUS_LACKS_OPERATION',
      `Cannot deploy ${definition.name} ${definition.version} as the local nucleus has no bootstrap step`,
      { field: 'Lifecycle.bootstrap', nextStep: "Use 'install', or try it on a core" },
    );
  }
  return selected;
}
