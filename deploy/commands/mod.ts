export * from './command-line.js';
export * from './context.js';
