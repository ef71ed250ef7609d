export * from './confinement.js';
