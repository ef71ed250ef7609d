export * from './elements.js';
export * from './half.js';
export * from './tensor-bytes.js';
export * from './value-bytes.js';
export * from './wire-tensor.js';
