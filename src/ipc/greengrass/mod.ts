/** The Greengrass connection. A room of its own, as importing it loads the device SDK. */
export { connectGreengrass } from './greengrass.js';
