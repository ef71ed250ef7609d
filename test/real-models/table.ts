import type { RealModel } from './list.js';

/** What a model took on its way from its exporter's file to an app's answer. */
export interface Measured {
  /** Of the package's model file. */
  readonly sizeBytes: number;
  readonly loadMs: number;
  /** Median of what the agent says of each run. */
  readonly runMs: number;
  /** PSS of its host. */
  readonly memoryBytes: number;
  /** Largest difference of the compiled model's outputs from the original's. */
  readonly difference: number;
}

/** One line of the table; why a model is not in it, where it could not be had here. */
export interface Row {
  readonly model: Pick<RealModel, 'name' | 'kind' | 'from'>;
  readonly measured: Measured | undefined;
}

/** Between them the page is as this writes it: prettier would pad the cells. */
export const BEGIN = '<!-- prettier-ignore-start -->';
export const END = '<!-- prettier-ignore-end -->';
export const HEAD = ['model', 'kind', 'from', 'size', 'load', 'run p50', 'host memory', 'largest difference'];

/** The rows as Markdown, between the marks of docs/models.md. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [HEAD, HEAD.map(() => '---'), ...rows.map(cellsOf)];
  return [BEGIN, '', ...lines.map((cells) => `| ${cells.join(' | ')} |`), '', END].join('\n');
}

/**
 * The page with the table in place of its former one.
 * @throws Error where the page has no marks
 */
export function withTable(page: string, table: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new Error(`Cannot write the table as the page lacks ${BEGIN} or ${END}`);
  return page.slice(0, begin) + table + page.slice(end + END.length);
}

function cellsOf({ model: { name, kind, from }, measured }: Row): string[] {
  const head = [name, kind, from];
  if (measured === undefined) return [...head, 'not to be had here', '', '', '', ''];
  const { sizeBytes, loadMs, runMs, memoryBytes, difference } = measured;
  return [
    ...head,
    `${(sizeBytes / 1e6).toFixed(2)} MB`,
    `${Math.round(loadMs)} ms`,
    `${runMs.toFixed(2)} ms`,
    `${Math.round(memoryBytes / 1e6)} MB`,
    difference === 0 ? '0' : difference.toExponential(1),
  ];
}
