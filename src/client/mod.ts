export * from './client.js';
export * from './types.js';
export * from './connect.js';
export * from './tensors.js';
export type { Datatype, ModelDescription, ModelSummary, Tensor } from '../contract/mod.js';
export { EdgeError } from '../core/mod.js';
export * from './admin.js';
