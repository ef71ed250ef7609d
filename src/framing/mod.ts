/** Length-prefixed binary frames over a stream: the host protocol and the local endpoint's framed face share them. */
export * from './frame.js';
export * from './frame-reader.js';
