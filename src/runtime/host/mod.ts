export * from './memory-hosts.js';
