export * from './backoff.js';
export * from './clock.js';
export * from './errors.js';
export * from './json.js';
export * from './log.js';
export * from './random.js';
export * from './tensor-bytes.js';
export * from './validate.js';
