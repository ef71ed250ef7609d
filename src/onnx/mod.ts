/** ONNX files as bytes: what is known of them without a decoder, on laptop and device alike. */
export { checkModelBytes, checkPackable, type ModelFacts } from './check.js';
export { domainName } from './domains.js';
export { ELEMENT_BITS } from './element-bits.js';
export { hasWeightsOutside, type WeightsFiles } from './weights.js';
export { foreignFormatOf } from './foreign-format.js';
export { MESSAGES, type FieldRule, type MessageName } from './messages.js';
export { noModel } from './refusal.js';
export { checkStrictForm } from './strict.js';
export { isZipMap, zipMapClasses } from './zip-map-classes.js';
