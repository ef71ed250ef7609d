/** The machine and the process as they are: clock, randomness, standard output, identities. */
export * from './digest.js';
export * from './native-files.js';
export * from './next-turn.js';
export * from './process-identity.js';
export * from './stdout-logger.js';
export * from './system-clock.js';
export * from './system-random.js';
export * from './unix-socket.js';
export * from './version.js';
