import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EdgeManagerClient } from '../../../src/client/mod.js';
import {
  MAX_MESSAGE_BYTES,
  type Reason,
  type RequestOf,
  type WireTensor,
} from '../../../src/contract/mod.js';
import { EdgeError } from '../../../src/core/mod.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { CLIENT_WAYS, clientOver, type ClientWay } from '../../lib/client-ways.js';

const small = { name: 'x', datatype: 'FP32', shape: [1], data: new Uint8Array(4) } as const;
/** Above what goes inline on any way. */
const large = { name: 'x', datatype: 'FP32', shape: [25_000], data: new Uint8Array(100_000) } as const;

/** Above what goes inline even where there is no file to be had. */
const huge = { name: 'x', datatype: 'FP32', shape: [300_000], data: new Uint8Array(1_200_000) } as const;

/** An agent of which a test says where its folder is and how it refuses a prediction that offers no room. */
class RoomAgent implements AsyncDisposable {
  readonly asked: RequestOf<'predict'>[] = [];
  hellos = 0;
  folder: string = mkdtempSync(join(tmpdir(), 'edge-exchange-'));
  /** Given to predictions without room; undefined: none is needed. */
  refusal: EdgeError | undefined;
  outputs: WireTensor[] = [];
  /** Given to each prediction: undefined: none. */
  failure: EdgeError | undefined;
  readonly #made = this.folder;
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #way: ClientWay;

  constructor(way: ClientWay) {
    this.#way = way;
  }

  async open(): Promise<EdgeManagerClient> {
    const { client, close } = await clientOver(this.#way, {
      hello: async () => {
        this.hellos++;
        const more = { agentVersion: '0', protocol: 1, thingName: 't', startId: 's' };
        return { ...more, exchangeFolder: this.folder, maxMessageBytes: MAX_MESSAGE_BYTES };
      },
      predict: async (body) => {
        this.asked.push(body);
        if (this.failure !== undefined) throw this.failure;
        if (body.outputFile === undefined && this.refusal !== undefined) throw this.refusal;
        return { model: 'Model', version: '1.0.0', outputs: this.outputs, queueMs: 0, runMs: 0 };
      },
    });
    this.#ends.push(close);
    return client;
  }

  /** Whether each prediction offered room for outputs. */
  get offered(): boolean[] {
    return this.asked.map(({ outputFile }) => outputFile !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) await end();
    rmSync(this.#made, { recursive: true, force: true });
  }
}

const refusedAs = (reason: Reason): EdgeError => new EdgeError(reason, 'More room', { field: 'outputFile' });

for (const way of CLIENT_WAYS) {
  describe(`over ${way}, tensors travel`, () => {
    it('in the message where they fit, without a folder', async () => {
      await using agent = new RoomAgent(way);
      const client = await agent.open();
      for (let turn = 0; turn < 3; turn++) await client.predict('Model', [small]);
      assert.deepEqual(agent.offered, [false, false, false]);
      assert.equal(agent.hellos, 0);
      assert.deepEqual(readdirSync(agent.folder), []);
    });

    it('back as plain bytes that hold nothing else', async () => {
      await using agent = new RoomAgent(way);
      agent.outputs = [{ name: 'y', datatype: 'FP32', shape: [2], b64: 'AACAPwAAAEA=' }];
      const client = await agent.open();
      const [output] = (await client.predict('Model', [small])).outputs;
      assert.ok(output !== undefined);
      assert.equal(output.data.constructor, Uint8Array);
      assert.equal(output.data.buffer.byteLength, 8);
      assert.deepEqual([...new Float32Array(output.data.slice().buffer)], [1, 2]);
    });

    for (const reason of ['OUTPUT_ROOM_TOO_SMALL', 'INVALID_ARGUMENT'] as const) {
      it(`with room for outputs in a file once the agent has said ${reason}`, async () => {
        await using agent = new RoomAgent(way);
        agent.refusal = refusedAs(reason);
        const client = await agent.open();
        for (let turn = 0; turn < 3; turn++) await client.predict('Model', [small]);
        await client.predict('Model', [large]);
        assert.deepEqual(agent.offered, [false, true, true, true, true]);
        assert.equal(new Set(agent.asked.slice(0, 2).map(({ captureId }) => captureId)).size, 1);
        agent.asked.length = 0;
        agent.refusal = undefined;
        await client.predict('Other', [small]);
        assert.deepEqual(agent.offered, [false], 'what one model wants says nothing of another');
      });
    }

    it('with room for outputs where a file is laid for the inputs anyway', async () => {
      await using agent = new RoomAgent(way);
      const client = await agent.open();
      await client.predict('Model', [large]);
      assert.deepEqual(agent.offered, [true]);
    });

    it('and leave no file where a request fails, while the client goes on', async () => {
      await using agent = new RoomAgent(way);
      const client = await agent.open();
      agent.failure = new EdgeError('EXCHANGE_FULL', 'No room for outputs');
      for (let request = 0; request < 10; request++)
        await assert.rejects(client.predict('Model', [large]), { reason: 'EXCHANGE_FULL' });
      assert.deepEqual(readdirSync(agent.folder), []);
      agent.failure = undefined;
      await client.predict('Model', [large]);
      assert.equal(readdirSync(agent.folder).length, 1);
    });
  });

  describe(`over ${way}, an app that does not see the agent’s folder`, () => {
    const unseen = { code: 'FAILED_PRECONDITION', reason: 'EXCHANGE_FOLDER_UNSEEN' };

    it('predicts small tensors, and gets one sentence with the next step for large ones', async () => {
      await using agent = new RoomAgent(way);
      agent.folder = '/nonexistent/edgemanager-0/0123';
      const client = await agent.open();
      await client.predict('Model', [small]);
      await assert.rejects(client.predict('Model', [huge]), unseen);
      await assert.rejects(
        client.capture({ modelName: 'Model', inputTensors: [huge] }),
        (error: EdgeError) => {
          assert.equal(error.reason, unseen.reason);
          assert.match(error.message, /does not see the agent's exchange folder \/nonexistent/);
          assert.match(error.nextStep ?? '', /containers\.md/);
          return true;
        },
      );
      assert.equal((await client.predict('Model', [small])).version, '1.0.0');
    });

    if (way === 'the local endpoint') {
      it('predicts and captures in the frame what that holds', async () => {
        await using agent = new RoomAgent(way);
        agent.folder = '/nonexistent/edgemanager-0/0123';
        const client = await agent.open();
        for (let turn = 0; turn < 2; turn++) await client.predict('Model', [large]);
        assert.deepEqual(agent.offered, [false, false]);
        assert.deepEqual(
          agent.asked.map(({ inputs }) => inputs[0]?.bytes?.byteLength),
          [100_000, 100_000],
        );
        assert.equal(agent.hellos, 2, 'it asked for the folder once, and once more to be sure');
      });
    }

    it('predicts again without room once outputs are small again', async () => {
      await using agent = new RoomAgent(way);
      agent.folder = '/nonexistent/edgemanager-0/0123';
      agent.refusal = refusedAs('OUTPUT_ROOM_TOO_SMALL');
      const client = await agent.open();
      await assert.rejects(client.predict('Model', [small]), unseen);
      agent.refusal = undefined;
      assert.equal((await client.predict('Model', [small])).version, '1.0.0');
    });
  });

  describe(`over ${way}, a client whose exchange folder has gone`, () => {
    it('captures large items all the same: in the name of its component another one had started', async () => {
      await using twins = await AgentTwins.create({ configuration: { endpoint: {} } });
      await twins.register(await twins.package('1.0.0'));
      await using idle = await twins.app(undefined, way);
      const { exchangeFolder } = await idle.hello();
      await idle.capture({ modelName: 'Model', captureId: 'first', inputTensors: [large] });
      await using other = await twins.app(undefined, way);
      await other.hello();
      // As the agent's regular look does a minute later, to folders and to what it knows of them.
      rmSync(exchangeFolder, { recursive: true });
      await idle.capture({ modelName: 'Model', captureId: 'second', inputTensors: [large] });
      assert.equal((await idle.captureStatus('second')).state, 'SPOOLED');
    });
  });
}
