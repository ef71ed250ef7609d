export * from './follow.js';
export * from './former-keys.js';
export * from './held-configuration.js';
export * from './parse.js';
