import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { quietSdk } from '../../src/net/mod.js';
import { startRig, type Rig } from './agent/rig.js';
import type { Bench, BenchRow } from './row.js';
import {
  loadNow,
  machineHere,
  mergeResults,
  readResults,
  tableOf,
  withResults,
  writeResults,
  type RowResult,
} from './report/mod.js';
import { ROWS } from './rows.js';

const DOCUMENT = 'docs/performance.md';
/** No row may hold up the others for ever. */
const ROW_LIMIT_MS = 580_000;
const USAGE = `npm run bench [-- NAME...] [--all] [--json] [--write-docs] [--share SHARE] [--results FILE]

Measures figures beside their floors and merges them into bench/results.json. Without names: all rows that are not slow.

  --all          the slow rows too
  --json         prints the results of this run as JSON on standard output
  --write-docs   writes the table of ${DOCUMENT} from the results
  --share SHARE  with so much of the counts, 0 to 1: to see that a row runs, not what it says
  --results FILE default bench/results.json
  --list         names the rows`;

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'write-docs': { type: 'boolean', default: false },
    share: { type: 'string', default: '1' },
    results: { type: 'string', default: 'bench/results.json' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const known = ROWS.map(({ name }) => name);
const share = Number(flags.share);
if (flags.help || flags.list) {
  const lines = ROWS.map(({ name, about, slow }) => `${name}${slow === true ? ' (slow)' : ''}: ${about}`);
  console.log(flags.help ? USAGE : lines.join('\n'));
  process.exit(0);
}
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) refuse(`Cannot measure ${unknown.join(', ')}: known are ${known.join(', ')}`);
if (!(share > 0 && share <= 1))
  refuse(`Cannot measure with that share: wanted a number above 0 up to 1, current value is ${flags.share}`);

quietSdk();
const wanted = ROWS.filter(({ name, slow }) =>
  names.length === 0 ? flags.all || slow !== true : names.includes(name),
);
const load = loadNow();
const cleanups: (() => Promise<void> | void)[] = [];
let rig: Promise<Rig> | undefined;
const bench: Bench = {
  rig: () => {
    rig ??= startRig().then((started) => {
      cleanups.push(() => started.close());
      return started;
    });
    return rig;
  },
  share: (count, least = 1) => Math.max(least, Math.round(count * share)),
  folder: async (name) => {
    const folder = await mkdtemp(join(tmpdir(), `edge-bench-${name}-`));
    bench.onEnd(() => rm(folder, { recursive: true, force: true }));
    return folder;
  },
  onEnd: (cleanup) => void cleanups.push(cleanup),
};

function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}

async function end(): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) {
    await Promise.resolve(cleanup()).catch((thrown: unknown) => console.error(thrown));
  }
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted.abort();
    void end().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  });
}

async function measure(row: BenchRow): Promise<RowResult> {
  process.stderr.write(`${row.name}: ${row.about}\n`);
  const begunMs = performance.now();
  const result = (rest: Pick<RowResult, 'figures' | 'error'>): RowResult => ({
    name: row.name,
    measuredAt: new Date().toISOString(),
    tookSeconds: Math.round((performance.now() - begunMs) / 1000),
    share,
    load,
    ...rest,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const limitMs = row.limitMs ?? ROW_LIMIT_MS;
    timer = setTimeout(() => reject(new Error(`it took longer than ${limitMs / 1000} s`)), limitMs);
  });
  try {
    return result({ figures: await Promise.race([row.run(bench), late]) });
  } catch (thrown) {
    console.error(thrown);
    return result({ figures: [], error: thrown instanceof Error ? thrown.message : String(thrown) });
  } finally {
    clearTimeout(timer);
  }
}

const machine = machineHere();
const measured: RowResult[] = [];
const merged = async () => mergeResults(await readResults(flags.results), { machine, rows: measured }, known);
try {
  for (const row of wanted) {
    const result = await measure(row);
    // What was cut off is no result; the signal's handler ends the process.
    if (interrupted.signal.aborted) await new Promise<never>(() => undefined);
    measured.push(result);
    await writeResults(flags.results, await merged());
  }
} finally {
  await end();
}
if (flags['write-docs']) {
  await writeFile(DOCUMENT, withResults(await readFile(DOCUMENT, 'utf8'), await merged(), known));
}
console.log(
  flags.json
    ? JSON.stringify(mergeResults(undefined, { machine, rows: measured }, known), undefined, 2)
    : tableOf(measured),
);
const took = measured.reduce((sum, { tookSeconds }) => sum + tookSeconds, 0);
process.stderr.write(`${measured.length} rows in ${took} s\n`);
process.exit(measured.some(({ error }) => error !== undefined) ? 1 : 0);
