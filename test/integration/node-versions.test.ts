import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cli } from '../lib/cli.js';
import { NODE_MAJORS, nodeOf } from '../lib/node-versions.js';
import { node, onnxModel } from '../lib/onnx-builder.js';

const run = promisify(execFile);

describe('Every Node that we promise', () => {
  let folder = '';
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'edge-nodes-'))));
  after(async () => await rm(folder, { recursive: true, force: true }));

  for (const major of NODE_MAJORS) {
    describe(`Node ${major}`, () => {
      let executable = '';
      before(function () {
        const found = nodeOf(major);
        if (found === undefined) {
          console.log(`    skipped: Node ${major} is not here (.ci/tools gets it)`);
          this.skip();
        }
        executable = found;
      });

      it('gives and takes tensors of every type, half floats among them: from 24 on it has an array for them', async () => {
        const suite = 'dist/test/integration/engine/onnx-engine.test.js';
        const mocha = ['node_modules/mocha/bin/mocha.js', '--no-config', '--timeout', '60000'];
        const { stdout } = await run(executable, [...mocha, '--grep', 'as an engine', suite]);
        assert.match(stdout, /gives back FP16 bit by bit/);
        assert.doesNotMatch(stdout, /failing|pending/);
      });

      it('compiles and proves a model that computes with half floats', async () => {
        const value = (name: string) => ({ name, datatype: 'FP16' as const, shape: ['n'] });
        const model = onnxModel({
          inputs: [value('x')],
          outputs: [value('y')],
          nodes: [node('Add', ['x', 'x'], ['double']), node('Tanh', ['double'], ['y'])],
        });
        const file = join(folder, `half-${major}.onnx`);
        await writeFile(file, model);
        const { stdout } = await run(executable, [cli, 'compile', file, '--json']);
        const { proof } = JSON.parse(stdout) as { proof: { outputs: { elements: number }[] } };
        assert.ok((proof.outputs[0]?.elements ?? 0) > 0);
      });
    });
  }
});
