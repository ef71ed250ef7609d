import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../examples/stage/root.js';
import { createOnnxEngine } from '../../src/engine/mod.js';
import { outputClasses, decodeModel } from '../../src/onnx/decoded/mod.js';
import { succeeds } from '../lib/cli.js';
import { tensorsOf } from '../lib/onnx-suite/cases.js';
import { pythonAbsence } from '../lib/python-host.js';
import { checkMaps } from '../real-models/maps.js';
import type { MadeCase } from '../real-models/sources.js';

const MAKE = `
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import make
make.sklearn_models(sys.argv[2])
make.text_model(sys.argv[2])
`;

describe('Classifiers that scikit-learn exports by default', () => {
  let folder = '';
  before(async function () {
    const absence = pythonAbsence('sklearn', 'skl2onnx', 'onnxruntime');
    if (absence !== undefined) {
      console.log(`    skipped: ${absence}`);
      this.skip();
    }
    folder = await mkdtemp(join(tmpdir(), 'edge-classifiers-'));
    await promisify(execFile)('python3', ['-c', MAKE, join(ROOT, 'test', 'real-models'), folder]);
  });
  after(async () => {
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  });

  for (const [name, what] of [
    ['iris-logistic', 'numbers'],
    ['wine-forest', 'names'],
    ['alarm-texts', 'names, from texts'],
  ] as const) {
    it(`give by class what Python's ONNX Runtime gives as maps: classes that are ${what}`, async () => {
      const compiled = join(folder, `${name}.compiled.onnx`);
      await succeeds('compile', join(folder, `${name}.onnx`), '-o', compiled, '--cases', '1');
      const bytes = await readFile(compiled);
      const classes = outputClasses(decodeModel(bytes));
      const session = await (await createOnnxEngine()).load(bytes);
      const cases = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as MadeCase[];
      let maps = 0;
      for (const made of cases) {
        const outputs = await session.run(tensorsOf(made.inputs) ?? []);
        for (const output of Object.keys(made.maps)) {
          maps++;
          checkMaps(
            { ...made, maps: { [output]: made.maps[output] ?? [] } },
            outputs,
            classes.get(output) ?? [],
          );
        }
      }
      await session.close();
      assert.ok(maps > 0, 'the exporter ends in ZipMap');
    });
  }
});
