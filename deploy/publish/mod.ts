export * from './publish.js';
export * from './read-build.js';
export * from './registry.js';
export * from './tags.js';
export type { RegistrySource } from './untagged.js';
