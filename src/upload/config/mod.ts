export { parseUploadConfig, type UploadConfig } from './config.js';
export * from './network.js';
