import { fileURLToPath } from 'node:url';

/** The repository, seen from dist/examples/stage. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
