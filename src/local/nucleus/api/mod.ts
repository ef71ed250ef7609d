/** The seams of the local nucleus. */
export * from './api.js';
