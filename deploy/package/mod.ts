export * from './from-registry.js';
export * from './model-yaml.js';
export * from './package-model.js';
export { readSampleInputs } from './samples.js';
