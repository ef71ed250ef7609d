import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Figure } from '../judge/mod.js';
import { machineText, type Machine } from './machine.js';

/** What became of one row. */
export interface RowResult {
  readonly name: string;
  readonly measuredAt: string;
  readonly tookSeconds: number;
  /** Of a whole run's counts, 0 to 1. */
  readonly share: number;
  /** Processes that wanted a core in the minute before the run: other work than ours. */
  readonly load: number;
  readonly figures: readonly Figure[];
  /** Why the row could not be measured. */
  readonly error?: string;
}

/** What `bench/results.json` and `--json` hold. */
export interface Results {
  readonly format: 2;
  readonly machine: Machine;
  readonly rows: readonly RowResult[];
}

/** Puts rows over those of before, in the bench's order; another machine's, and those nobody knows any more, go. */
export function mergeResults(
  before: Results | undefined,
  { machine, rows }: Pick<Results, 'machine' | 'rows'>,
  order: readonly string[],
): Results {
  const kept =
    before !== undefined && machineText(before.machine) === machineText(machine) ? before.rows : [];
  const byName = new Map([...kept, ...rows].map((row) => [row.name, row]));
  return { format: 2, machine, rows: order.flatMap((name) => byName.get(name) ?? []) };
}

export async function writeResults(file: string, results: Results): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${JSON.stringify(results, undefined, 2)}\n`);
  await rename(`${file}.new`, file);
}

/** Undefined where there is none, or one of another form. */
export async function readResults(file: string): Promise<Results | undefined> {
  try {
    const results = JSON.parse(await readFile(file, 'utf8')) as Partial<Results>;
    return results.format === 2 ? (results as Results) : undefined;
  } catch {
    return undefined;
  }
}
