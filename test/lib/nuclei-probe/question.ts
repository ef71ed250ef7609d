import type { Json } from '../../../src/core/mod.js';
import type { Probe } from './probe.js';

/** What is asked of a nucleus; the key is the question in words. */
export type Questions = Readonly<Record<string, (probe: Probe) => Promise<Json>>>;
