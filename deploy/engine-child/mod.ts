export { runSession } from './run-session.js';
export type { SessionResult, SessionTask } from './task.js';
