/** ONNX files as messages. Apart from onnx/mod, as the device side must not load the protobuf decoder. */
export { decodeModel, encodeModel } from './proto.js';
export { embedExternalData, fixDimensions, pruneOperatorSets } from './rewrite.js';
export { summarizeModel, type ModelSummary } from './summary.js';
