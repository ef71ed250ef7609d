import { startRig, type Rig } from './agent/rig.js';
import type { Bench, BenchRow } from './figure.js';
import { mergeResults, tableOf, type RowResult } from './results.js';
import { ROWS } from './rows.js';
import { quietSdk } from '../../src/net/mod.js';

/** `npm run bench` measures all rows, `npm run bench -- NAME...` some. */
const RESULTS = 'bench/results.json';
/** No row may hold up the others for ever. */
const ROW_LIMIT_MS = 580_000;

quietSdk();
const names = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const known = ROWS.map(({ name }) => name);
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`Cannot measure ${unknown.join(', ')}: known are ${known.join(', ')}`);
  process.exit(1);
}

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
  onEnd: (cleanup) => void cleanups.push(cleanup),
};

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

const measured: RowResult[] = [];
try {
  for (const row of ROWS.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const result = await measure(row);
    // What was cut off is no result; the signal's handler ends the process.
    if (interrupted.signal.aborted) await new Promise<never>(() => undefined);
    measured.push(result);
    await mergeResults(RESULTS, known, measured);
  }
} finally {
  await end();
}
console.log(tableOf(measured));
process.exit(measured.some(({ error }) => error !== undefined) ? 1 : 0);
