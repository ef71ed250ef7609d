// npm test [-- mocha options | files]: all suites but the slow fault suites; --faults runs those (--long: at full length).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
  // Fault suites mostly wait for processes, disks and deadlines: two files at a time.
  ...(faults ? ['--timeout', long ? '0' : '600000', '--parallel', '--jobs', '2'] : ['--timeout', '90000']),
  // Real processes on a shared machine: CI gives a test that failed one second try, and two failures are a failure.
  ...(process.env.CI === 'true' ? ['--retries', '1'] : []),
  ...(named ? [] : suites),
  ...rest,
];
const folder = mkdtempSync(join(tmpdir(), 'edge-faults-'));
const rows = join(folder, 'rows.jsonl');
writeFileSync(rows, '');
const result = spawnSync(process.execPath, args, {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    ...(long ? { EDGE_MANAGER_LONG: '1' } : {}),
    ...(faults && !named ? { EDGE_MANAGER_FAULT_ROWS: rows } : {}),
  },
});
if (faults && !named) {
  const { faultTableOf } = await import(join(root, 'dist', 'test', 'lib', 'fault-table.js'));
  console.log(faultTableOf(rows));
}
rmSync(folder, { recursive: true });
process.exit(result.status ?? 1);
