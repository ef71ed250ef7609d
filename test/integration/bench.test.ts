import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../examples/stage/root.js';
import type { Results } from '../bench/report/mod.js';
import { patientMs } from '../lib/patience.js';
import { pythonAbsence } from '../lib/python-host.js';

const run = promisify(execFile);
const MAIN = join(ROOT, 'dist', 'test', 'bench', 'main.js');
const ROWS = ['predict-small', 'face-small', 'hop', 'engines', 'python-server', 'durable-capture'];

describe('npm run bench', function () {
  this.timeout(patientMs(90_000));

  it('measures rows with tiny counts: figures with floors beside them, as JSON and merged into a file; peers that are not here are skipped', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'edge-bench-smoke-'));
    try {
      const file = join(folder, 'results.json');
      const { stdout } = await run(
        process.execPath,
        [MAIN, ...ROWS, '--share', '0.01', '--json', '--results', file],
        { cwd: ROOT },
      );
      const results = JSON.parse(stdout) as Results;
      assert.deepEqual(
        results.rows.map(({ name, error }) => [name, error]),
        ROWS.map((name) => [name, undefined]),
      );
      assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), results);
      for (const { name, share, figures } of results.rows) {
        assert.equal(share, 0.01);
        assert.ok(figures.length > 0, name);
        for (const figure of figures)
          if (figure.verdict !== 'skipped') assert.ok(Number.isFinite(figure.value), figure.figure);
      }
      const skips = results.rows.flatMap(({ figures }) =>
        figures.filter(({ verdict }) => verdict === 'skipped'),
      );
      const absent = ['grpc', 'uvicorn'].filter(
        (name) => pythonAbsence(name, 'onnxruntime', 'numpy') !== undefined,
      );
      if (absent.length > 0)
        console.log(`      skipped: the peers ${absent.join(' and ')}, whose Python packages are absent`);
      assert.equal(skips.length > 0, absent.length > 0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses a row that it does not know, with those that it knows', async () => {
    await assert.rejects(run(process.execPath, [MAIN, 'predict']), (thrown: { stderr: string }) => {
      assert.match(thrown.stderr, /Cannot measure predict: known are predict-small, /);
      return true;
    });
  });
});
