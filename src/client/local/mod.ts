/** `edge-manager local ...`: what people on the device do with the client. */
export { LOCAL_USAGE, runLocalCommand, type Output } from './local-commands.js';
