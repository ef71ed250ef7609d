import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What an agent holds after so many updates. */
export interface Sizes {
  readonly update: number;
  readonly [what: string]: number;
}

/** Bytes that this process really holds, buffers outside of V8's heap included. */
export function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** One line for each measurement. */
export function printSizes(title: string, all: readonly Sizes[]): void {
  const names = Object.keys(all[0] ?? {});
  const rows = [names, ...all.map((sizes) => names.map((name) => String(sizes[name] ?? '')))];
  const widths = names.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) => row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  '));
  console.log([title, ...lines].join('\n'));
}
