export { parseUploadConfig, type UploadConfig } from './config.js';
