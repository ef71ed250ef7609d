import { strict as assert } from 'node:assert';
import { predictTopic } from '../../../src/contract/mod.js';
import { silentLogger } from '../../../src/core/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { createRequester } from '../../../src/ipc/mod.js';
import { PROFILES } from '../../../src/local/nucleus/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { input } from '../../lib/agent-requests.js';
import { writeTestPackage } from '../../lib/model-hosts.js';
import { identityPackage } from '../../lib/test-models.js';
import { until } from '../../lib/until.js';

for (const profile of PROFILES) {
  describe(`agent and apps when the ${profile} restarts`, function () {
    it('come back by themselves, with the same processes, and apply what changed meanwhile', async () => {
      await using bench = await AgentBench.create({ profile });
      await bench.start();
      const folder = await writeTestPackage(bench.root, identityPackage());
      assert.equal((await bench.register(folder, 'org.edgemanager.model.Identity')).code, 0);
      const transport = await bench.connect('com.example.App');
      let regained = 0;
      transport.onConnection((state) => {
        if (state === 'regained') regained++;
      });
      const common = { clock: systemClock, random: systemRandom, logger: silentLogger };
      const app = await createRequester({ ...common, transport, component: 'com.example.App' });
      const control = await bench.controlPid();
      const agentCame = (): number => bench.log.split('"Greengrass IPC connected"').length;
      for (let round = 1; round <= 3; round++) {
        const before = agentCame();
        await bench.nucleus.restartIpc();
        // Nothing is sent meanwhile: a write in flight when the nucleus goes can abort aws-crt, and this process.
        await until(() => regained === round && agentCame() > before, 'both are connected again');
        const options = { timeoutMs: 20_000, topic: predictTopic('Identity') };
        const { version } = await app.request('predict', { inputs: [input] }, options);
        assert.equal(version, '1.0.0');
      }
      const agent = await bench.connect('org.edgemanager.AgentRuntime');
      await agent.updateConfiguration(['queue'], { limit: 1 });
      await until(() => bench.log.includes('"Configuration changed"'), 'the change is heard');
      assert.equal(await bench.controlPid(), control);
      const { controlStarts, hostRestarts } = await app.request('stats', {}, { timeoutMs: 5000 });
      assert.deepEqual([controlStarts, hostRestarts], [1, 0]);
      await app.close();
      assert.equal(await bench.stop(), 0);
    });
  });
}
