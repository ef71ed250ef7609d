export { readGivenTensor } from './given-tensor.js';
