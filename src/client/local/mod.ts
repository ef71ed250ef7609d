/** `edge-manager local ...`: what people on the device do with the client. */
export { runLocalCommand } from './run.js';
export { LOCAL_USAGE } from './usage.js';
