/** What agent, hosts and the code inside a host have in common. */
export { ExchangeFolder } from './exchange-files.js';
export * from './host-lost.js';
export { ExchangeReader } from './exchange-reader.js';
export * from './messages.js';
export * from './model-hosts.js';
