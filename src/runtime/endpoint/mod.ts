/** The agent's local endpoint: its socket, its rights, and the framed face. */
export { Endpoint } from './endpoint.js';
