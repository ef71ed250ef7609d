/** HTTP servers of this machine only: what the local cloud and the local nucleus answer on. */
export * from './loopback-server.js';
