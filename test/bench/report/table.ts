import Table from 'cli-table3';
import { HEAD, linesOf } from './lines.js';
import type { RowResult } from './results.js';

/** The table for a terminal. */
export function tableOf(rows: readonly RowResult[]): string {
  const table = new Table({
    head: [...HEAD],
    colWidths: [null, 34, null, null, null, null, 46],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  table.push(...rows.flatMap(linesOf));
  return table.toString();
}
