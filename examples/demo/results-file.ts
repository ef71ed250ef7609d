import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Nucleus } from '../../src/local/nucleus/mod.js';
import { APP } from '../stage/mod.js';
import { RESULTS_FILE, type WindowResult } from '../voice-activity/mod.js';

/** What the app has written so far; a line that is being written is left for the next look. */
export async function readResults(nucleus: Nucleus): Promise<WindowResult[]> {
  const path = join(nucleus.rootPath, 'work', APP, RESULTS_FILE);
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as WindowResult);
}

/** The speech probability of a window; 0 where it failed. */
export function probabilityOf(result: WindowResult): number {
  return result.version === null ? 0 : Buffer.from(result.output, 'hex').readFloatLE(0);
}
