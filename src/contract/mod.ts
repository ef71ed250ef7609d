export * from './codes.js';
export * from './envelope.js';
export * from './events.js';
export * from './operations.js';
export * from './tensor.js';
export * from './topics.js';
export * from './asyncapi.js';
