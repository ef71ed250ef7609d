/** What the machine gives without us: the figures to hold ours against. */
export { FloorProcess } from './child.js';
export type { BareAnswer, BareQuestion } from './bare.js';
export * from './floors.js';
export * from './paced.js';
export * from './statistics.js';
