export { stateBounds } from './distribution.js';
export { runRepeated } from './repeat.js';
export { runSession } from './run-session.js';
export type { SessionResult } from './task.js';
