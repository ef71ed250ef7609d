import { HEAD, linesOf, lineWithout } from './lines.js';
import { machineText } from './machine.js';
import type { Results } from './results.js';

/** Between them the page is as this writes it: prettier would pad the cells. */
const BEGIN = '<!-- prettier-ignore-start -->';
const END = '<!-- prettier-ignore-end -->';

/** What docs/performance.md says between the marks. */
export interface DocumentedRun {
  readonly machine: string;
  readonly head: readonly string[];
  readonly lines: readonly (readonly string[])[];
}

/**
 * Puts the results in place of those that the document has.
 * @param order all rows; one without a result says so
 */
export function withResults(document: string, results: Results, order: readonly string[]): string {
  const [before, , after] = partsOf(document);
  return `${before}${BEGIN}\n\n${blockOf(results, order)}\n\n${END}${after}`;
}

/** The table as the document has it. */
export function readDocument(document: string): DocumentedRun {
  const lines = partsOf(document)[1].split('\n').filter(Boolean);
  const [head = [], , ...rows] = lines.filter((line) => line.startsWith('|')).map(cellsOf);
  return { machine: lines.find((line) => line.startsWith(ON)) ?? '', head, lines: rows };
}

const ON = 'Measured on ';

function blockOf({ machine, rows }: Results, order: readonly string[]): string {
  const byName = new Map(rows.map((row) => [row.name, row]));
  const lines = order.flatMap((name) => {
    const row = byName.get(name);
    return row === undefined ? [lineWithout(name, 'skipped', 'not measured in this run')] : linesOf(row);
  });
  const days = rows.map(({ measuredAt }) => measuredAt.slice(0, 10)).toSorted();
  const when = days.length === 0 ? '' : `, ${[...new Set([days[0], days.at(-1)])].join(' to ')}`;
  return [
    `${ON}${machineText(machine)}${when}. ${conditionsOf({ machine, rows })}`,
    '',
    ...[HEAD, HEAD.map(() => '---'), ...lines].map((cells) => `| ${cells.map(escaped).join(' | ')} |`),
  ].join('\n');
}

/** What a reader has to know before the figures: how busy the machine was, and whether counts were cut. */
function conditionsOf({ machine, rows }: Pick<Results, 'machine' | 'rows'>): string {
  const loads = rows.map(({ load }) => load);
  const least = Math.min(1, ...rows.map(({ share }) => share));
  const took = rows.reduce((sum, { tookSeconds }) => sum + tookSeconds, 0);
  const load = Math.max(0, ...loads);
  const said = [`The rows took ${took} s; in the minute before, ${load} processes wanted a core.`];
  if (load > machine.cores) said.push('**The machine was busy with other work.**');
  if (least < 1) said.push(`**Counts were cut, to ${Math.round(least * 100)} % at the least.**`);
  return said.join(' ');
}

function partsOf(document: string): [string, string, string] {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new Error(`Cannot find the bench's table: wanted the marks ${BEGIN} and ${END} in the document`);
  return [
    document.slice(0, begin),
    document.slice(begin + BEGIN.length, end),
    document.slice(end + END.length),
  ];
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
}

function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}
