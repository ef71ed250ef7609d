import Table from 'cli-table3';
import { canonicalJson, EdgeError, toEdgeError } from '../../src/core/mod.js';

/** A table on standard output. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const table = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows) table.push(row.map(String));
  process.stdout.write(`${table.toString()}\n`);
}

/** One JSON document on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${canonicalJson(value, 2)}\n`);
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The sentence and, where there is one, the next step, on standard error; the process will end with 1. */
export function printError(thrown: unknown): void {
  const error = toEdgeError(thrown, 'Cannot finish the command');
  process.stderr.write(`${error.code}: ${error.message}\n`);
  if (error.nextStep !== undefined) process.stderr.write(`Next: ${error.nextStep}\n`);
  process.exitCode = 1;
}

export function formatBytes(bytes: number): string {
  return bytes < 1e4
    ? `${bytes} B`
    : bytes < 1e7
      ? `${(bytes / 1e3).toFixed(1)} kB`
      : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Collects `name=value` options, for commander. */
export function collectPairs(text: string, former: Record<string, string>): Record<string, string> {
  const at = text.lastIndexOf('=');
  if (at < 1)
    throw new EdgeError(
      'OPTION_INVALID',
      `Cannot read the option as it must be name=value: current value is ${text}`,
    );
  return { ...former, [text.slice(0, at)]: text.slice(at + 1) };
}

/** An option's number. */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new EdgeError(
      'OPTION_INVALID',
      `Cannot read the option as it must be a number: current value is ${text}`,
    );
  }
  return value;
}
