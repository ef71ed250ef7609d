import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../examples/stage/root.js';

const run = promisify(execFile);
const MAIN = join(ROOT, 'dist', 'examples', 'demo', 'main.js');
const LACKING = `#!/bin/sh
echo "Traceback (most recent call last):" >&2
echo "ModuleNotFoundError: No module named 'onnxruntime'" >&2
exit 1
`;

describe('npm run demo -- --engine', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-demo-engine-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  const refusal = async (engine: string, path: string): Promise<string> => {
    const options = { cwd: ROOT, env: { ...process.env, PATH: path } };
    const demo = run(process.execPath, [MAIN, '--engine', engine], options);
    const thrown: unknown = await demo.then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(thrown instanceof Error && 'stderr' in thrown && 'code' in thrown);
    assert.equal(thrown.code, 1);
    return String(thrown.stderr);
  };

  it('python says at once what Python lacks and how to get it', async () => {
    await writeFile(join(folder, 'python3'), LACKING, { mode: 0o755 });
    assert.match(
      await refusal('python', `${folder}:${dirname(process.execPath)}:/usr/bin:/bin`),
      /Cannot run the demo with --engine python .*No module named 'onnxruntime'.*pip install numpy onnxruntime/,
    );
  });

  it('refuses an engine that it does not know, with those that it knows', async () => {
    assert.match(
      await refusal('ruby', process.env['PATH'] ?? ''),
      /--engine must be one of node, python: current value is ruby/,
    );
  });
});
