/** The way out of this machine: proxies, certificate authorities and AWS's endpoints, by the environment. */
export * from './authorities.js';
export * from './endpoints.js';
export * from './network-handler.js';
export * from './no-proxy.js';
export * from './proxy.js';
export * from './sdk-warning.js';
export * from './way.js';
