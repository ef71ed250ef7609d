export type { FileOwner, FilePort } from './body-files.js';
export * from './body-room.js';
export * from './codec.js';
export * from './memory.js';
export * from './port.js';
export * from './requester.js';
export * from './responder.js';
