export { ExchangeFolder } from './exchange-files.js';
export type { SpawnDetails } from './host-process.js';
export * from './hosts.js';
export * from './memory-hosts.js';
export { MAX_INLINE_BYTES } from './run-tensors.js';
