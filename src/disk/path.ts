/** Paths of this machine, for code that otherwise touches nothing of it. */
export { basename, dirname, join } from 'node:path';
