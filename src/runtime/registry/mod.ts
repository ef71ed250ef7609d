export * from './asked.js';
export * from './rebuild.js';
export * from './registry.js';
export * from './retention.js';
export * from './schema.js';
export * from './state.js';
