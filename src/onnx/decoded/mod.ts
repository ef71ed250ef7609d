/** ONNX files as messages. Apart from onnx/mod, as the device side must not load the protobuf decoder. */
export { decodeModel, encodeModel, newNode, type OnnxGraph, type OnnxModel, type OnnxNode } from './proto.js';
export { layOutWeights, type WeightsFile } from './lay-out.js';
export { randomNodes } from './random-nodes.js';
export { embedExternalData, externalFilesOf, fixDimensions, pruneOperatorSets } from './rewrite.js';
export { keepOutputs } from './outputs.js';
export { outputClasses, unzipMaps } from './zip-map.js';
export { summarizeModel, type ModelSummary } from './summary.js';
