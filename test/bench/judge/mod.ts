/** From samples to what is said of them: pure, so that nothing here needs a machine. */
export * from './figure.js';
export * from './rounds.js';
export * from './spread.js';
export * from './verdict.js';
