export * from './disk.js';
export * from './durable.js';
export * from './memory-disk.js';
export * from './node-disk.js';
export * from './path.js';
