export { addArtifact, encodeRecipe } from './recipe-file.js';
