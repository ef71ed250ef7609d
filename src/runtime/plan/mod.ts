export * from './planner.js';
export * from './probation.js';
export * from './selection.js';
export * from './verdict.js';
export * from './roles.js';
