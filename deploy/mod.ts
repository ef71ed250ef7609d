export * from './cloud/fleet-mod.js';
export * from './compile/mod.js';
export * from './inspect/mod.js';
export * from './package/mod.js';
export * from './report/mod.js';
export * from './rollout/mod.js';
export * from './sign/mod.js';
