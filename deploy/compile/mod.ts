export * from './compile.js';
export * from './make-inputs.js';
export * from './passes.js';
export * from './read-model.js';
export * from './report.js';
export * from './write-model.js';
