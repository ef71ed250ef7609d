/** The connection to a nucleus. A room of its own: all that only needs the port goes without it. */
export { connectGreengrass } from './greengrass.js';
