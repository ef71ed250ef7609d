export type { LaneLimits } from './lane.js';
export * from './scheduler.js';
