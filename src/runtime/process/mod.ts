export * from './control.js';
export * from './exit-codes.js';
export * from './launcher.js';
export * from './register.js';
