/** What all adapters of AWS share: options, errors as ours, paged lists. */
export * from './calls.js';
export * from './client-config.js';
export * from './errors.js';
export type { AwsOptions } from './options.js';
export * from './tags.js';
