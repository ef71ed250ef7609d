import assert from 'node:assert/strict';
import { PROFILES } from '../../../src/local/nucleus/api/mod.js';
import { ALLOW_ALL, connectClient, publish, startIpcHarness, subscribe } from '../../lib/ipc-harness.js';

for (const profile of PROFILES) {
  describe(`IPC connections with the official client, ${profile}`, () => {
    it('the client connects with nothing but the two variables of its environment', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app');
      const inbox = await subscribe(client, 'a/b');
      await publish(client, 'a/b', 'hello');
      assert.deepEqual(await inbox.until(1), [{ topic: 'a/b', text: 'hello' }]);
    });

    it('a wrong SVCUID is refused', async () => {
      await using harness = await startIpcHarness(profile);
      harness.kernel.add('app', ALLOW_ALL);
      await assert.rejects(connectClient(harness.socketPath, 'wrong'));
      await assert.rejects(connectClient(harness.socketPath, ''));
    });

    it('GetConfiguration answers everything for [], an object for an inner key and the leaf below its key', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app', { threshold: 0.5, model: { name: 'vad', sizes: [1, 2] } });
      const all = await client.getConfiguration({ keyPath: [] });
      assert.equal(all.componentName, 'app');
      assert.deepEqual(all.value, { threshold: 0.5, model: { name: 'vad', sizes: [1, 2] } });
      const inner = await client.getConfiguration({ keyPath: ['model'] });
      assert.deepEqual(inner.value, { name: 'vad', sizes: [1, 2] });
      const leaf = await client.getConfiguration({ keyPath: ['model', 'sizes'] });
      assert.deepEqual(leaf.value, { sizes: [1, 2] });
      const other = await (
        await harness.connect('other')
      ).getConfiguration({ componentName: 'app', keyPath: ['threshold'] });
      assert.deepEqual([other.componentName, other.value], ['app', { threshold: 0.5 }]);
    });
  });
}
