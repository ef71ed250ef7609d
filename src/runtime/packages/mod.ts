export * from './compiled-files.js';
export * from './manifest-reader.js';
export * from './store.js';
