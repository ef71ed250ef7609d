import type { Figure } from '../judge/mod.js';
import type { RowResult } from './results.js';

/** The table's columns, on the terminal and in docs/performance.md. */
export const HEAD = [
  'row',
  'figure',
  'value',
  'p25 to p75',
  'goal',
  'verdict',
  'measured beside it',
] as const;

/** A row's lines, one a figure, and one for what could not be measured. */
export function linesOf({ name, figures, error }: RowResult): string[][] {
  const lines = figures.map((figure) => [name, ...cellsOf(figure)]);
  return error === undefined ? lines : [...lines, lineWithout(name, 'not met', error)];
}

/** The line of a row that has no figure. */
export function lineWithout(name: string, verdict: string, why: string): string[] {
  return [name, '', '', '', '', verdict, why];
}

function cellsOf(figure: Figure): string[] {
  if (figure.verdict === 'skipped') return [figure.figure, '', '', '', figure.verdict, figure.reason];
  const { value, unit, goal, verdict, between, floorWidth, detail } = figure;
  const beside = Object.entries(detail).map(([what, number]) => `${what} ${number}`);
  if (floorWidth !== undefined) beside.push(`floor spread ${Math.round(floorWidth * 100)} %`);
  return [
    figure.figure,
    `${value} ${unit}`.trim(),
    between === undefined ? '' : `${between.p25} to ${between.p75}`,
    goal,
    verdict,
    beside.join(', '),
  ];
}
