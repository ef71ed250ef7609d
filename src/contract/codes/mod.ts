/** What errors say to programs. A room of its own: every process throws errors, only some need the contract's schemas. */
export * from './codes.js';
export * from './reasons.js';
