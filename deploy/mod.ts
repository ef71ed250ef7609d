export * from './compile/mod.js';
export * from './inspect/mod.js';
export * from './package/mod.js';
export * from './sign/mod.js';
