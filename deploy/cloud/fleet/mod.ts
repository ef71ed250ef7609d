/** Things, deployments, the fleet index and shadows: what fleets, rollouts and reports ask of AWS. */
export * from './aws-fleet-cloud.js';
export * from './component-set.js';
export * from './deployments.js';
export * from './fleet-cloud.js';
export * from './fleet-index.js';
export * from './jobs.js';
export * from './platforms.js';
export * from './role-aliases.js';
export * from './shadows.js';
export * from './tag-text.js';
export * from './thing-groups.js';
export * from './things.js';
