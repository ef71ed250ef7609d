export * from './datatype.js';
export * from './manifest.js';
export * from './manifest-schema.js';
export * from './names.js';
