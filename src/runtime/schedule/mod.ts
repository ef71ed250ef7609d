export { ENDPOINT_CALLERS } from './fair-turns.js';
export * from './scheduler.js';
