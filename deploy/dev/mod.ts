export * from './development.js';
