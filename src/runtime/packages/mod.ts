export * from './manifest-reader.js';
export * from './store.js';
