/** What control process and host say to each other, byte by byte: docs/protocol/host.md. */
export * from './captured-frame.js';
export * from './control-frames.js';
export * from './failed-frame.js';
export * from './kinds.js';
export * from './load-frame.js';
export * from './result-frame.js';
export * from './run-frame.js';
