/** Golden samples of a package, run by whoever holds its model. */
export * from './run-samples.js';
