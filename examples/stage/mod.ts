/** A whole device on this machine, with packages and apps to play on it. */
export * from './account.js';
export * from './builds.js';
export * from './models.js';
export * from './progress.js';
export * from './root.js';
export * from './stage.js';
export * from './voice-app.js';
export * from './wait.js';
