export { MAX_RECIPE_BYTES, parseRecipe, validateRecipe, type RecipeProfile } from './parse.js';
export { problemsOnLite } from './portable.js';
export { renderRecipe } from './render.js';
export {
  RecipeSchema,
  STEP_NAMES,
  type Artifact,
  type Dependency,
  type Lifecycle,
  type LifecycleStep,
  type Manifest,
  type PlatformRequirement,
  type Recipe,
  type StepName,
} from './schema.js';
export { fitsPlatform, selectManifest, type Platform, type SelectedManifest } from './select.js';
export { DEFAULT_TIMEOUTS_MS, stepOf, type Step } from './steps.js';
export {
  atPointer,
  interpolate,
  pointerParts,
  type Interpolated,
  type Variables,
  type VariableScope,
} from './variables.js';
export { checkRequirement, matching, satisfies } from './versions.js';
