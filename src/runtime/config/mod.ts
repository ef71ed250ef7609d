export * from './admin-operations.js';
export * from './aliases.js';
export * from './holder.js';
export * from './parse.js';
export * from './schema.js';
