import { appendFileSync, readFileSync } from 'node:fs';

/** The figures of one row of the promises: what was tried, and what the oracle found. */
export interface FaultRow {
  /** Such as `R13`. */
  readonly row: string;
  /** Faults injected, or cases tried. */
  readonly cycles: number;
  /** Acknowledged records that were neither delivered nor counted as dropped by a chosen policy. */
  readonly lost: number;
  readonly duplicated: number;
  readonly corrupt: number;
  /** What else the row promises, in one short phrase such as `requests=12`. */
  readonly note?: string;
}

type Entry =
  | { readonly kind: 'figures'; readonly figures: FaultRow }
  | { readonly kind: 'skipped'; readonly row: string; readonly reason: string };

/** The promises that have a suite below test/faults. */
const SUITES = [
  ...Array.from({ length: 20 }, (_, index) => `R${index + 1}`),
  'R21',
  'R22',
  'R23',
  'R24',
  'R25',
  'R27',
  'D1',
  'D2',
  'D3',
  'D4',
  'D5',
  'S1',
  'S2',
  'S3',
  'S4',
  'S5',
  'S6',
  'S8',
  'S9',
  'S11',
  'S10',
];

/** Rows of this process where nobody collects them. It hangs on the process so that suites of several folders share it. */
const REGISTRY = Symbol.for('edge-manager.fault-table');

/** Suites run in several processes: `npm run test:faults` names a file for their rows, and prints one table from it. */
function add(entry: Entry): void {
  const file = process.env['EDGE_MANAGER_FAULT_ROWS'];
  if (file !== undefined) {
    appendFileSync(file, `${JSON.stringify(entry)}\n`);
    return;
  }
  const holder = globalThis as { [REGISTRY]?: Entry[] };
  const made = holder[REGISTRY] ?? [];
  if (holder[REGISTRY] === undefined) process.once('exit', () => console.log(renderFaultTable(made, [])));
  holder[REGISTRY] = made;
  made.push(entry);
}

/** The table of a whole run, from the file that its processes wrote; it names every promise that has a suite. */
export function faultTableOf(file: string): string {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return renderFaultTable(
    lines.map((line) => JSON.parse(line) as Entry),
    SUITES,
  );
}

/** Adds figures to the table and prints them at once, one line that tools can read. Several of a row are summed. */
export function reportFaultRow(figures: FaultRow): void {
  add({ kind: 'figures', figures });
  const { row, cycles, lost, duplicated, corrupt, note } = figures;
  const tail = note === undefined ? '' : ` ${note}`;
  console.log(`row=${row} cycles=${cycles} lost=${lost} duplicated=${duplicated} corrupt=${corrupt}${tail}`);
}

/** Says in one visible line that a row, or a part of it, was not tested here. */
export function skipFaultRow(row: string, reason: string): void {
  add({ kind: 'skipped', row, reason });
  console.log(`row=${row} skipped: ${reason}`);
}

/** True where the long figures are wanted (npm run test:faults -- --long). */
export function longRun(): boolean {
  return process.env['EDGE_MANAGER_LONG'] === '1';
}

function renderFaultTable(all: readonly Entry[], wanted: readonly string[]): string {
  const reported = all.map((entry) => (entry.kind === 'figures' ? entry.figures.row : entry.row));
  const rows = [...new Set([...reported, ...wanted])].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
  const lines = rows.map((row) => renderRow(row, all));
  const head = ['row', 'cycles', 'lost', 'duplicated', 'corrupt', 'skipped, notes'];
  const table = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...table.map((line) => (line[column] ?? '').length)));
  return [
    '',
    'Faults',
    ...table.map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
  ].join('\n');
}

function renderRow(row: string, all: readonly Entry[]): string[] {
  const figures = all.flatMap((entry) =>
    entry.kind === 'figures' && entry.figures.row === row ? [entry.figures] : [],
  );
  const skipped = all.flatMap((entry) =>
    entry.kind === 'skipped' && entry.row === row ? [`skipped: ${entry.reason}`] : [],
  );
  const sum = (of: (figure: FaultRow) => number): string =>
    figures.length === 0 ? '-' : String(figures.reduce((total, figure) => total + of(figure), 0));
  const notes = figures.flatMap((figure) => (figure.note === undefined ? [] : [figure.note]));
  return [
    row,
    sum((figure) => figure.cycles),
    sum((figure) => figure.lost),
    sum((figure) => figure.duplicated),
    sum((figure) => figure.corrupt),
    figures.length + skipped.length === 0
      ? 'no figures: its suite failed before'
      : [...skipped, ...notes].join('; '),
  ];
}
