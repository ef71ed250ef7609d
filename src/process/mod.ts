export * from './alive.js';
export * from './entry.js';
export * from './exit-codes.js';
export * from './launcher.js';
