export * from './half.js';
export * from './tensor-bytes.js';
export * from './wire-tensor.js';
