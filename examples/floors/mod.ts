/** What the machine gives without us: the figures to hold ours against. */
export { answerParent, FloorProcess } from './child.js';
export type { BareAnswer, BareQuestion } from './bare.js';
export type { EchoQuestion } from './echo.js';
export * from './floors.js';
export * from './statistics.js';
