import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../../../examples/stage/root.js';
import { connectAdmin, float32 } from '../../../src/client/mod.js';
import type { Tensor } from '../../../src/contract/mod.js';
import { PROFILES } from '../../../src/local/nucleus/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { ALLOW_ALL } from '../../lib/ipc-harness.js';
import { writeTestPackage, type TestPackage } from '../../lib/model-hosts.js';
import { node, onnxModel } from '../../lib/onnx-builder.js';
import { pythonWithSdk } from '../../lib/python-sdk.js';
import { floats, floatsOf } from '../../lib/tensors.js';

const MOST = 256;
const one = (name: string) => ({ name, datatype: 'FP32' as const, shape: [1] });
const numbered = (count: number, name: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, index) => name(index));

/** As many inputs as a model may have, each given as an output: a decoder with its cache. */
function widePackage(): TestPackage {
  const inputs = numbered(MOST, (index) => `past_key_values.${index}.key`);
  const outputs = numbered(MOST, (index) => `present.${index}.key`);
  return {
    name: 'Wide',
    model: onnxModel({
      inputs: inputs.map(one),
      outputs: outputs.map(one),
      nodes: inputs.map((name, index) => node('Identity', [name], [outputs[index] ?? ''])),
    }),
    inputs: inputs.map(one),
    outputs: outputs.map(one),
  };
}

/** One input that many outputs give, and a few whose names alone fill a message. */
function fanPackage(): TestPackage {
  const inputs = ['x', ...numbered(14, (index) => `${index}`.padStart(256, 'é'))];
  const outputs = numbered(MOST, (index) => `${index}`.padStart(64, 'y'));
  return {
    name: 'Fan',
    model: onnxModel({
      inputs: inputs.map(one),
      outputs: outputs.map(one),
      nodes: outputs.map((name, index) => node('Identity', [inputs[index % inputs.length] ?? ''], [name])),
    }),
    inputs: inputs.map(one),
    outputs: outputs.map(one),
  };
}

const given = ({ inputs }: TestPackage): Tensor[] =>
  inputs.map(({ name }, index) => floats(name, [index / 8]));

const PREDICTING = `
import json, struct, sys
from edge_manager import EdgeManager
manager = EdgeManager("com.example.Python")
said = {}
for model, inputs in json.load(sys.stdin).items():
    tensors = [(name, "FP32", [1], struct.pack("<f", index / 8)) for index, name in enumerate(inputs)]
    for _ in range(2):
        outputs = manager.predict(model, tensors, timeout=60.0)["outputs"]
    said[model] = [struct.unpack("<f", output["data"])[0] for output in outputs]
print(json.dumps(said))
manager.close()
`;

for (const profile of PROFILES) {
  describe(`a model of ${MOST} inputs or outputs over the IPC of ${profile}`, () => {
    const packages = [widePackage(), fanPackage()];
    let bench: AgentBench;
    before(async () => {
      bench = await AgentBench.create({ profile });
      await bench.start();
      for (const one of packages) {
        const folder = await writeTestPackage(bench.root, one);
        const { code, output } = await bench.register(folder, `org.edgemanager.model.${one.name}`);
        assert.equal(code, 0, output + bench.log);
      }
    });
    after(() => bench[Symbol.asyncDispose]());

    for (const one of packages) {
      it(`is described and predicted as any other: ${one.name}`, async () => {
        const app = await bench.app();
        for (let turn = 0; turn < 3; turn++) {
          const { outputs } = await app.predict(one.name, given(one), { capture: 'always' });
          assert.deepEqual(
            outputs.map((output) => [output.name, ...float32(output)]),
            one.outputs.map(({ name }, index) => [name, (index % one.inputs.length) / 8]),
          );
        }
        const { inputs, outputs } = await app.describeModel({ name: one.name });
        assert.deepEqual([inputs, outputs], [one.inputs, one.outputs]);
        await using admin = await connectAdmin(join(bench.workFolder, 'admin.sock'));
        assert.deepEqual((await admin.client.describeModel({ name: one.name })).outputs, one.outputs);
        const wanted = one.outputs.map(({ name }) => name).reverse();
        const asked = await app.predict(one.name, given(one), { outputs: wanted });
        assert.equal(asked.outputs.length, MOST, 'their names are a long request too');
      });
    }

    it('is loaded anew, and its captures are taken, by messages that are no longer than any', async () => {
      const app = await bench.app();
      const [wide] = packages;
      assert.ok(wide !== undefined);
      await app.unload({ name: 'Wide' });
      const { inputs } = await app.load({ name: 'Wide' }, { timeoutMs: 30_000 });
      assert.equal(inputs.length, MOST);
      const { captureId } = await app.capture({ modelName: 'Wide', inputTensors: given(wide) });
      assert.equal((await app.captureStatus(captureId)).state, 'SPOOLED');
    });

    it('is predicted by the Python example', async function () {
      const python = pythonWithSdk() ?? this.skip();
      const { environment } = bench.nucleus.registerExternal('com.example.Python', ALLOW_ALL);
      const child = spawn(python, ['-c', PREDICTING], {
        env: {
          PATH: process.env['PATH'] ?? '',
          PYTHONPATH: join(ROOT, 'examples', 'python'),
          PYTHONDONTWRITEBYTECODE: '1',
          ...environment,
        },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      const named = packages.map(({ name, inputs }) => [name, inputs.map((input) => input.name)]);
      child.stdin.end(JSON.stringify(Object.fromEntries(named)));
      let said = '';
      let errors = '';
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
      const [code] = (await once(child, 'exit')) as [number | null];
      assert.equal(code, 0, errors);
      const wanted = packages.map((one) => [
        one.name,
        one.outputs.map((_, index) => floatsOf(given(one)[index % one.inputs.length])[0]),
      ]);
      assert.deepEqual(JSON.parse(said), Object.fromEntries(wanted));
    });
  });
}
