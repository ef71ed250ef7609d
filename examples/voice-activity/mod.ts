/** What a listener of the example app needs to know. */
export * from './results.js';
export * from './speech.js';
