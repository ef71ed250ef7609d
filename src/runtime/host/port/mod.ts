/** What agent, hosts and the code inside a host have in common. */
export { ExchangeFolder } from './exchange-files.js';
export { folderUnknown } from './exchange-region.js';
export * from './host-lost.js';
export { AsyncExchangeFolder } from './async-exchange-folder.js';
export * from './host-tensor.js';
export * from './model-hosts.js';
