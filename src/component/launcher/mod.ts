export * from './alive.js';
export * from './entry.js';
export * from './exit-codes.js';
export * from './launch.js';
export { STARTS_VARIABLE } from './launcher.js';
