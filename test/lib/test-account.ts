import { appendFileSync, readFileSync } from 'node:fs';

/** One attempt of a test, or what its file cost besides: loading, hooks of the suite. */
export interface AccountRow {
  readonly file: string;
  readonly title: string;
  readonly wallMs: number;
  /** Of this process and of the children that have ended meanwhile. */
  readonly cpuMs: number;
  /** From 0: a test that failed and may be tried again has another row. */
  readonly attempt: number;
}

const SLOWEST = 20;

/** Adds a row where the run collects them. */
export function account(row: AccountRow): void {
  const file = process.env['EDGE_MANAGER_TEST_ROWS'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
}

/** CPU of this process and of its children that have ended, in ms; 0 where the system does not tell. */
export function cpuMs(): number {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // After the name, which may hold spaces: state is field 3; utime, stime, cutime and cstime are 14 to 17.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * 10;
  } catch {
    return 0;
  }
}

/** The titles of tests that needed a second try. */
export function secondTries(rows: readonly AccountRow[]): readonly string[] {
  return [
    ...new Set(rows.filter(({ attempt }) => attempt > 0).map(({ file, title }) => `${file}: ${title}`)),
  ];
}

/** The slowest tests and the files that cost most CPU, as text. */
export function slowest(rows: readonly AccountRow[]): string {
  const files = new Map<string, { wallMs: number; cpuMs: number }>();
  for (const row of rows) {
    const sum = files.get(row.file) ?? { wallMs: 0, cpuMs: 0 };
    files.set(row.file, { wallMs: sum.wallMs + row.wallMs, cpuMs: sum.cpuMs + row.cpuMs });
  }
  const byWall = [...rows].sort((a, b) => b.wallMs - a.wallMs).slice(0, SLOWEST);
  const byCpu = [...files].sort(([, a], [, b]) => b.cpuMs - a.cpuMs).slice(0, SLOWEST);
  return [
    `The ${SLOWEST} slowest tests: wall s, CPU s`,
    ...byWall.map((row) => line(row, `${row.file}: ${row.title}`)),
    `The ${SLOWEST} files that cost most CPU: wall s, CPU s`,
    ...byCpu.map(([file, sum]) => line(sum, file)),
  ].join('\n');
}

function line(figures: { readonly wallMs: number; readonly cpuMs: number }, what: string): string {
  const seconds = [figures.wallMs, figures.cpuMs].map((ms) => (ms / 1000).toFixed(1).padStart(7));
  return `${seconds.join('')}  ${what}`;
}
