export type { SpawnDetails } from './host-process.js';
export * from './hosts.js';
export * from './memory-hosts.js';
