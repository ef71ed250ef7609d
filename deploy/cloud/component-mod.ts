export * from './aws-artifacts.js';
export * from './aws-components.js';
export * from './aws-model-registry.js';
export * from './component-cloud.js';
