export { checkInputForms } from './check.js';
export * from './memory.js';
export * from './onnx.js';
export * from './warm-up.js';
export * from './port.js';
