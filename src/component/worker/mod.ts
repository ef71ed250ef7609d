export type * from './component.js';
export type { OnEnd } from './ends.js';
export * from './run-component.js';
export * from './run-worker.js';
