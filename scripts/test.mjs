// npm test [-- mocha options | files]: all suites but the slow fault suites; --faults runs those (--long: at full
// length); --slowest ends with the slowest tests and the costliest files.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIfStale, root } from './fresh.mjs';

/** More tests than this that needed a second try are a failure of a run in CI. */
const MOST_SECOND_TRIES = 2;

const OURS = ['--faults', '--long', '--slowest'];
const given = process.argv.slice(2);
const [faults, long, wantsSlowest] = OURS.map((option) => given.includes(option));
const rest = given.filter((argument) => !OURS.includes(argument));
buildIfStale();
const library = (name) => import(join(root, 'dist', 'test', 'lib', name));
const { patience } = await library('patience.js');
const { cpuMs, secondTries, slowest } = await library('test-account.js');

const named = rest.some((argument) => argument.includes('dist/') || argument.endsWith('.test.js'));
const all = (folder) => `dist/test/${folder}/**/*.test.js`;
/** Files at a time on two cores: tests wait for a third of their time; rows of faults hold what was measured. */
const JOBS = faults ? 2 : 3;
// The long ones first.
const together = faults ? [all('faults')] : [all('integration'), all('contract'), all('unit')];
// These write into the checkout's own folders, where gdk wants its builds.
const oneByOne = faults ? [] : ['gdk-publish', 'gdk'].map((name) => `dist/test/integration/${name}.test.js`);
// Only a test that hangs meets this limit: conditions that it waits for have shorter ones of their own.
const timeoutMs = long ? 0 : Math.round((faults ? 600_000 : 180_000) * patience());
const folder = mkdtempSync(join(tmpdir(), 'edge-tests-'));
const file = (name) => {
  const path = join(folder, name);
  writeFileSync(path, '');
  return path;
};
const faultRows = file('faults.jsonl');
const testRows = file('tests.jsonl');
let status = 0;
if (named) mocha(rest);
else {
  mocha([
    '--parallel',
    `--jobs=${JOBS}`,
    ...together,
    ...oneByOne.flatMap((path) => ['--ignore', path]),
    ...rest,
  ]);
  if (oneByOne.length > 0) mocha([...oneByOne, ...rest]);
}
if (faults && !named) {
  const { faultTableOf } = await library('fault-table.js');
  console.log(faultTableOf(faultRows));
}
const rows = readFileSync(testRows, 'utf8').split('\n').filter(Boolean).map(JSON.parse);
rmSync(folder, { recursive: true });
if (wantsSlowest) console.log(slowest(rows));
console.log(`CPU ${Math.round(cpuMs() / 1000)} s, limits times ${patience().toFixed(1)}`);
const again = secondTries(rows);
for (const title of again) console.log(`second try: ${title}`);
if (again.length > MOST_SECOND_TRIES) {
  console.log(`Cannot accept ${again.length} second tries: at most ${MOST_SECOND_TRIES} are wanted`);
  status ||= 1;
}
process.exit(status);

function mocha(args) {
  const program = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  // Real processes on a shared machine: CI gives a test that failed one second try, and tells which.
  const retries = process.env.CI === 'true' ? ['--retries', '1'] : [];
  const options = ['--enable-source-maps', `--timeout=${timeoutMs}`, ...retries];
  const ended = spawnSync(process.execPath, [program, ...options, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      EDGE_MANAGER_TEST_ROWS: testRows,
      ...(long ? { EDGE_MANAGER_LONG: '1' } : {}),
      ...(faults && !named ? { EDGE_MANAGER_FAULT_ROWS: faultRows } : {}),
    },
  });
  status ||= ended.status ?? 1;
}
