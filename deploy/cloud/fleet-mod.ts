export * from './aws-fleet-cloud.js';
export * from './component-set.js';
export * from './fleet-cloud.js';
export * from './fleet-registry.js';
export * from './tag-text.js';
