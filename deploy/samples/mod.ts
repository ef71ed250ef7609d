export { readGivenTensor } from './given-tensor.js';
export { NUMPY_TYPES } from './npy.js';
