/** Event-stream RPC as bytes, which both ends of Greengrass IPC speak. */
export * from './frames.js';
