// npm test [-- mocha options | files]: all suites but the slow fault suites; --faults runs those (--long: at full length).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildIfStale, root } from './fresh.mjs';

const given = process.argv.slice(2);
const faults = given.includes('--faults');
const long = given.includes('--long');
const rest = given.filter((argument) => argument !== '--faults' && argument !== '--long');
buildIfStale();
const named = rest.some((argument) => argument.includes('dist/') || argument.endsWith('.test.js'));
const suites = faults
  ? ['dist/test/faults/**/*.test.js']
  : ['dist/test/unit/**/*.test.js', 'dist/test/contract/**/*.test.js', 'dist/test/integration/**/*.test.js'];
const args = [
  join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'),
  '--enable-source-maps',
  ...(faults ? ['--timeout', long ? '0' : '600000'] : ['--timeout', '90000']),
  // Real processes on a shared machine: CI gives a test that failed one second try, and two failures are a failure.
  ...(process.env.CI === 'true' ? ['--retries', '1'] : []),
  ...(named ? [] : suites),
  ...rest,
];
const result = spawnSync(process.execPath, args, {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    ...(long ? { EDGE_MANAGER_LONG: '1' } : {}),
    // The table then names every promise that has a suite, also those whose suite gave no figures.
    ...(faults && rest.length === 0 ? { EDGE_MANAGER_FAULT_ROWS: 'all' } : {}),
  },
});
process.exit(result.status ?? 1);
