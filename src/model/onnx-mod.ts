// A door of its own: devices use the rest of this folder, and must not carry and start the ONNX decoder.
export { checkModel, checkModelBytes, type ModelFacts } from './onnx-check.js';
export { decodeModel, encodeModel, type OnnxModel } from './onnx-proto.js';
export { embedExternalData, fixDimensions, pruneOperatorSets } from './onnx-rewrite.js';
export { summarizeModel, type ModelSummary } from './onnx-summary.js';
