/** Published components, their artifacts, and SageMaker's registry: what publishing and packaging ask of AWS. */
export * from './artifacts.js';
export * from './aws-artifacts.js';
export * from './aws-components.js';
export * from './aws-model-registry.js';
export * from './components.js';
export * from './model-registry.js';
