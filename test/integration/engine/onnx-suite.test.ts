import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../../examples/stage/root.js';
import { SeededRandom } from '../../../src/core/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { longRun } from '../../lib/fault-table.js';
import { casesOf, readCase, type SuiteCase } from '../../lib/onnx-suite/cases.js';
import { compareCase, suiteBench } from '../../lib/onnx-suite/compare.js';
import { PlainRuntime } from '../../lib/onnx-suite/plain.js';
import { pythonAbsence } from '../../lib/python-host.js';

const SCRIPT = join(ROOT, 'test', 'lib', 'onnx-suite', 'backend-cases.py');
const KINDS = ['node', 'simple', 'pytorch-operator', 'pytorch-converted'];
/** Of about 2,000. */
const QUICK_CASES = 200;

const absence = pythonAbsence('onnx', 'numpy');

describe("ONNX's own backend suite", () => {
  it('is served by a model host as by plain onnxruntime-node, byte for byte', async function () {
    if (absence !== undefined) {
      console.log(`      skipped: ${absence}`);
      this.skip();
    }
    const cases = await casesOf(SCRIPT, ...KINDS);
    assert.ok(cases.length > 1900, `${cases.length} cases`);
    const { chosen, seed } = ofToday(cases);
    const counts = { served: 0, refused: 0, crashed: 0 };
    const differences: string[] = [];
    await using bench = await suiteBench();
    using plain = new PlainRuntime();
    for (const one of chosen) {
      const { plain: kind, difference } = await compareCase(one, plain, bench);
      counts[kind] += 1;
      if (difference !== undefined) differences.push(`${one.name}: ${difference}`);
    }
    console.log(`      ${chosen.length} of ${cases.length} cases (seed ${seed}): ${JSON.stringify(counts)}`);
    assert.deepEqual(differences, []);
    assert.ok(counts.served > chosen.length / 2);
  }).timeout(600_000);
});

describe('a hundred models of one node', () => {
  const folder = join(ROOT, 'test', 'data', 'one-node');
  const kept = readFileSync(join(folder, 'models.jsonl'), 'utf8');

  it('are served by a model host as by plain onnxruntime-node, byte for byte', async () => {
    const cases = kept.split('\n').filter(Boolean).map(readCase);
    assert.equal(cases.length, 100);
    await using bench = await suiteBench();
    using plain = new PlainRuntime();
    for (const one of cases) {
      assert.deepEqual(
        await compareCase(one, plain, bench),
        { plain: 'served', difference: undefined },
        one.name,
      );
    }
  }).timeout(300_000);

  it('are those that their script makes', async function () {
    if (absence !== undefined) {
      console.log(`      skipped: ${absence}`);
      this.skip();
    }
    const { stdout } = await promisify(execFile)('python3', [join(folder, 'make.py')]);
    assert.equal(stdout, kept);
  });
});

/** All in a long run, else those that the day's number picks. */
function ofToday(cases: readonly SuiteCase[]): { chosen: readonly SuiteCase[]; seed: number } {
  const seed = Math.floor(systemClock.wallMs() / 86_400_000);
  if (longRun()) return { chosen: cases, seed };
  const random = new SeededRandom(seed);
  const drawn = cases.map((one) => ({ one, at: random.fraction() }));
  return {
    chosen: drawn
      .toSorted((a, b) => a.at - b.at)
      .slice(0, QUICK_CASES)
      .map(({ one }) => one),
    seed,
  };
}
