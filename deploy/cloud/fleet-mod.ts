export * from './aws-fleet-cloud.js';
export * from './fleet-cloud.js';
export * from './fleet-registry.js';
