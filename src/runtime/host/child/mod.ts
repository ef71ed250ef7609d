/** What runs inside a model host: a room of its own, as nothing else may load ONNX Runtime. */
export { runModelHost } from './main.js';
