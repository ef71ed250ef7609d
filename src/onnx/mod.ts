/** ONNX files as bytes: what a device may know of them without a decoder. */
export { guardModelBytes } from './guard.js';
