/** Quantisation by ONNX Runtime's own tool, which is Python: a pass of compilation that needs it only when it is asked for. */
export { quantisePass, type Quantisation } from './quantise.js';
