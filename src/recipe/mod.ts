export { valueOfKey } from './classic.js';
export { fillRecipe } from './fill.js';
export { MAX_RECIPE_BYTES, parseRecipe, readRecipe, validateRecipe, type ReadRecipe } from './parse.js';
export { problemsOnLite } from './portable.js';
export { renderDocument, renderRecipe } from './render.js';
export {
  STEP_NAMES,
  type Artifact,
  type Lifecycle,
  type Manifest,
  type Recipe,
  type StepName,
} from './schema.js';
export { fitsPlatform, selectManifest, type Platform } from './select.js';
export { DEFAULT_TIMEOUTS_MS, stepOf } from './steps.js';
export { interpolate, pointerParts, type Variables, type VariableScope } from './variables.js';
export { matching, satisfies } from './versions.js';
export { readYaml } from './yaml.js';
