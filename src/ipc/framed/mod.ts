export * from './parts.js';
export * from './protocol.js';
