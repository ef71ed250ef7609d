import Table from 'cli-table3';
import { canonicalJson, errorDocument, toEdgeError, visible, visibleLine } from '../../src/core/mod.js';

/** Takes text as it is. */
export interface Output {
  write(text: string): unknown;
}

/** A list is one cell of several lines. */
type Cell = string | number | readonly string[];

function cellText(cell: Cell): string {
  return typeof cell === 'object' ? cell.map(visibleLine).join('\n') : visibleLine(String(cell));
}

/**
 * Results go to standard output, all else to standard error. What came from files, devices and AWS obeys no terminal:
 * controls are made visible here, for every command.
 */
export class Printer {
  readonly #out: Output;
  readonly #error: Output;

  constructor({ out, error }: { readonly out: Output; readonly error: Output }) {
    this.#out = out;
    this.#error = error;
  }

  line(text: string): void {
    this.#out.write(`${visible(text)}\n`);
  }

  table(head: readonly string[], rows: readonly (readonly Cell[])[]): void {
    const table = new Table({ head: head.map(visibleLine), style: { head: [], border: [] } });
    for (const row of rows) table.push(row.map(cellText));
    this.line(table.toString());
  }

  /** One document, keys in order. */
  json(value: unknown): void {
    this.line(canonicalJson(value, 2));
  }

  /** What does not belong to the result, beside it. */
  aside(text: string): void {
    this.#error.write(`${visible(text)}\n`);
  }

  /** The sentence and, where there is one, the next step. */
  failure(thrown: unknown): void {
    const error = toEdgeError(thrown, 'Cannot finish the command');
    // One line each, or a name in the sentence could write lines of its own.
    this.aside(visibleLine(`${error.code}: ${error.message}`));
    if (error.nextStep !== undefined) this.aside(visibleLine(`Next: ${error.nextStep}`));
  }

  /** A failure as one document, for programs, with what was warned of before. */
  failureDocument(thrown: unknown, warnings: readonly string[] = []): void {
    const document = errorDocument(toEdgeError(thrown, 'Cannot finish the command'));
    this.aside(canonicalJson(warnings.length === 0 ? document : { ...document, warnings }, 2));
  }
}
