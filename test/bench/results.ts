import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import Table from 'cli-table3';
import type { Figure } from './figure.js';

/** What became of one row. */
export interface RowResult {
  readonly name: string;
  readonly measuredAt: string;
  readonly tookSeconds: number;
  readonly figures: readonly Figure[];
  /** Why the row could not be measured. */
  readonly error?: string;
}

interface Results {
  readonly node: string;
  readonly arch: string;
  readonly cores: number;
  readonly rows: readonly RowResult[];
}

/** Puts the rows of this run into the file; rows that did not run stay as they are. `order` names the known ones. */
export async function mergeResults(
  file: string,
  order: readonly string[],
  measured: readonly RowResult[],
): Promise<void> {
  const rows = new Map<string, RowResult>();
  for (const row of [...(await readRows(file)), ...measured]) rows.set(row.name, row);
  const results: Results = {
    node: process.version,
    arch: process.arch,
    cores: availableParallelism(),
    rows: order.flatMap((name) => rows.get(name) ?? []),
  };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${JSON.stringify(results, undefined, 2)}\n`);
  await rename(`${file}.new`, file);
}

async function readRows(file: string): Promise<readonly RowResult[]> {
  try {
    const { rows } = JSON.parse(await readFile(file, 'utf8')) as Partial<Results>;
    return Array.isArray(rows)
      ? rows.filter((row) => Array.isArray((row as Partial<RowResult>).figures))
      : [];
  } catch {
    return [];
  }
}

/** The table for people. */
export function tableOf(rows: readonly RowResult[]): string {
  const table = new Table({
    head: ['row', 'figure', 'value', 'goal', 'met', 'measured beside it'],
    colWidths: [null, 34, null, null, null, 46],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  for (const { name, figures, error } of rows) {
    for (const { figure, value, unit, goal, met, detail } of figures) {
      const beside = Object.entries(detail).map(([what, number]) => `${what} ${number}`);
      table.push([name, figure, `${value} ${unit}`, goal, met ? 'yes' : 'NO', beside.join(', ')]);
    }
    if (error !== undefined) table.push([name, 'not measured', '', '', 'NO', error]);
  }
  return table.toString();
}
