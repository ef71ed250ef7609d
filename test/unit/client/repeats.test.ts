import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EdgeManagerClient } from '../../../src/client/mod.js';
import { MAX_MESSAGE_BYTES, type Reason } from '../../../src/contract/mod.js';
import { EdgeError } from '../../../src/core/mod.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { CLIENT_WAYS, clientOver, type ClientWay } from '../../lib/client-ways.js';

/** Above what goes inline. */
const picture = { name: 'picture', encoding: 'NONE', data: new Uint8Array(100_000) } as const;
const large = { name: 'x', datatype: 'FP32', shape: [25_000], data: new Uint8Array(100_000) } as const;
const x = { name: 'x', datatype: 'FP32', shape: [1], data: new Uint8Array(4) } as const;

/** An agent of another version, of which a test says how it refuses a prediction. */
class ScriptedAgent implements AsyncDisposable {
  /** Of refusals still to come. */
  readonly refusals: Reason[] = [];
  readonly folders: string[] = [];
  predictions = 0;
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #way: ClientWay;

  constructor(way: ClientWay) {
    this.#way = way;
  }

  async open(): Promise<EdgeManagerClient> {
    const { client, close } = await clientOver(this.#way, {
      hello: () => this.#hello(),
      predict: () => {
        this.predictions++;
        const reason = this.refusals.shift();
        if (reason !== undefined) throw new EdgeError(reason, 'Cannot do it', { field: 'inputs[0].file' });
        return Promise.resolve({ model: 'Model', version: '1.0.0', outputs: [], queueMs: 0, runMs: 0 });
      },
    });
    this.#ends.push(close);
    await this.moveFolder();
    return client;
  }

  /** As a restart does. */
  async moveFolder(): Promise<void> {
    this.folders.push(await mkdtemp(join(tmpdir(), 'edge-exchange-')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) await end();
    for (const folder of this.folders) await rm(folder, { recursive: true, force: true });
  }

  #hello() {
    const exchangeFolder = this.folders.at(-1) ?? '';
    const more = { agentVersion: '0', protocol: 1, thingName: 't', startId: 's' };
    return Promise.resolve({ ...more, exchangeFolder, maxMessageBytes: MAX_MESSAGE_BYTES });
  }
}

for (const way of CLIENT_WAYS) {
  describe(`over ${way}, the client repeats a call`, () => {
    it('where the agent was restarted and its exchange folders are new', async () => {
      await using twins = await AgentTwins.create({ configuration: { endpoint: {} } });
      await twins.register(await twins.package('1.0.0'));
      const app = await twins.app(undefined, way);
      await app.capture({ modelName: 'Model', inputs: [picture] });
      await twins.stop();
      await twins.start();
      // One of them takes the file of the first capture, the other must make one.
      const both = await Promise.all(
        ['one', 'two'].map((captureId) => app.capture({ modelName: 'Model', captureId, inputs: [picture] })),
      );
      for (const { captureId } of both) assert.equal((await app.captureStatus(captureId)).state, 'SPOOLED');
      await app.close();
    });

    it('where an agent, which names no reason, has another exchange folder by now', async () => {
      await using agent = new ScriptedAgent(way);
      const client = await agent.open();
      await client.predict('Model', [large]);
      await agent.moveFolder();
      agent.refusals.push('INVALID_ARGUMENT');
      assert.equal((await client.predict('Model', [large])).version, '1.0.0');
    });

    it('where the agent has swept the folder of a client that was idle', async () => {
      await using agent = new ScriptedAgent(way);
      const client = await agent.open();
      await client.predict('Model', [large]);
      await agent.moveFolder();
      agent.refusals.push('EXCHANGE_FOLDER_UNKNOWN');
      assert.equal((await client.predict('Model', [large])).version, '1.0.0');
      assert.equal(agent.predictions, 3);
    });

    it('where the agent is not available', async () => {
      await using agent = new ScriptedAgent(way);
      const client = await agent.open();
      agent.refusals.push('AGENT_STOPPING', 'UNAVAILABLE');
      assert.equal((await client.predict('Model', [x])).version, '1.0.0');
      assert.equal(agent.predictions, 3);
    });
  });

  describe(`over ${way}, the client gives up a call at once`, () => {
    for (const reason of ['TENSOR_INVALID', 'INVALID_ARGUMENT', 'MODEL_NOT_FOUND'] as const) {
      it(`that the agent refuses with ${reason} and nothing has moved`, async () => {
        await using agent = new ScriptedAgent(way);
        const client = await agent.open();
        agent.refusals.push(reason);
        await assert.rejects(client.predict('Model', [x]), { reason, message: 'Cannot do it' });
        assert.equal(agent.predictions, 1);
      });
    }
  });
}
