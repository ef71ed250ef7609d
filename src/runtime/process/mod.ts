export * from './control.js';
export * from './register.js';
