export * from './kept-configuration.js';
