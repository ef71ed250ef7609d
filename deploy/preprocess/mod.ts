export { preparedWithin, prepareWithin } from './graph.js';
export { modelLayout } from './layout.js';
export { prepareOutside } from './outside.js';
export { PreprocessSchema, StepsSchema, type Preprocess, type Steps } from './schema.js';
