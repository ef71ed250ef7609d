import { strict as assert } from 'node:assert';
import { writeTestPackage } from '../../lib/model-hosts.js';
import { identityPackage } from '../../lib/test-models.js';
import { floats } from '../../lib/tensors.js';
import { float32 } from '../../../src/client/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { PROFILES } from '../../../src/local/nucleus/mod.js';

for (const profile of PROFILES) {
  describe(`the agent on ${profile}`, () => {
    it('admits a package by its startup step, answers apps, and stops with 0', async () => {
      await using bench = await AgentBench.create({ profile, configuration: { capture: { policies: [] } } });
      await bench.start();
      const folder = await writeTestPackage(bench.root, identityPackage());
      const first = await bench.register(folder, 'org.edgemanager.model.Identity');
      assert.deepEqual([first.code, first.output.split(':')[0]], [0, 'ADMITTED'], first.output + bench.log);
      const again = await bench.register(folder, 'org.edgemanager.model.Identity');
      assert.deepEqual([again.code, again.output.split(':')[0]], [0, 'ALREADY_ADMITTED']);

      const app = await bench.app();
      const [summary] = await app.listModels();
      assert.equal(summary?.state, 'SERVING');
      const prediction = await app.predict('Identity', [floats('x', [41])]);
      const [output] = prediction.outputs;
      assert.deepEqual(output === undefined ? [] : [...float32(output)], [41]);
      const big = await app.capture({ modelName: 'Identity', inputTensors: [floats('x', [1])] });
      assert.equal(big.mode, 'durable');
      assert.equal((await app.captureStatus(big.captureId)).state, 'SPOOLED');
      assert.equal(await bench.stop(), 0);
    });
  });
}
