export * from './disk.js';
export * from './durable.js';
export * from './kept-configuration.js';
export * from './memory-disk.js';
export * from './node-disk.js';
export * from './process-identity.js';
export * from './system.js';
