export { modelLayout } from './layout.js';
export { prepareOutside } from './outside.js';
export { StepsSchema, type Steps } from './schema.js';
