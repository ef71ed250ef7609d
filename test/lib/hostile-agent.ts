import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { replyTopic } from '../../src/contract/mod.js';
import { silentLogger } from '../../src/core/mod.js';
import { createMemoryEngine } from '../../src/engine/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { createRequester, type Requester } from '../../src/ipc/mod.js';
import { readInputs, writeOutputs } from '../../src/runtime/host/child/run-tensors.js';
import { AgentTwins } from './agent-twins.js';
import { input, predict } from './agent-requests.js';
import type { Hostile } from './hostile-requests.js';
import { judgeReply, type Heard } from './reply-oracle.js';
import { tensorOf } from './tensors.js';
import { until } from './until.js';

const SECRET = 'a-secret-of-the-victim';
/**
 * The agent in this process, with an app that has something to lose and another that attacks it. Tensors go
 * through what a model host does with them, up to ONNX Runtime itself.
 */
export class HostileAgent implements AsyncDisposable {
  readonly twins: AgentTwins;
  readonly lag = monitorEventLoopDelay({ resolution: 1 });
  /** A file of the victim's, as a path from another client's folder. */
  readonly victimFile: string;
  readonly #secrets: readonly string[];
  readonly #victim: Requester;
  #clients = 0;
  #sent = 0;
  #answered = 0;

  private constructor(twins: AgentTwins, victim: Requester, victimFolder: string) {
    this.twins = twins;
    this.victimFile = `../${basename(victimFolder)}/secret.bin`;
    this.#victim = victim;
    this.#secrets = [twins.folder, victimFolder, SECRET, Buffer.from(SECRET).toString('base64')];
    this.lag.enable();
  }

  static async create(): Promise<HostileAgent> {
    const twins = await AgentTwins.create({
      script: () => ({ run: async (request) => await host(request) }),
    });
    await twins.register(await twins.package('1.0.0'));
    await twins.register(await twins.package('1.0.0', 'Other'), 'Other');
    const victim = await createRequester({
      transport: twins.broker.connect(),
      component: 'com.example.Victim',
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    });
    const options = { timeoutMs: 10_000 };
    const { exchangeFolder } = await victim.request('hello', {}, options);
    await writeFile(join(exchangeFolder, 'secret.bin'), SECRET);
    const note = { name: 'note', encoding: 'NONE' as const, b64: Buffer.from(SECRET).toString('base64') };
    await victim.request(
      'capture',
      { modelName: 'Model', captureId: 'victim-capture', inputs: [note] },
      options,
    );
    return new HostileAgent(twins, victim, exchangeFolder);
  }

  get sent(): number {
    return this.#sent;
  }

  get answered(): number {
    return this.#answered;
  }

  /** A reply topic of a new client of the attacker's. */
  newReplyTo(): string {
    return replyTopic('com.example.Attacker', (++this.#clients).toString(16).padStart(32, '0'));
  }

  /**
   * Sends all at once, and judges what comes back: at most one reply a message, each a well-formed envelope on a
   * reply topic of the attacker's, with no secret in it that the attacker did not send.
   */
  async attack(messages: readonly Hostile[]): Promise<void> {
    const replies: Heard[] = [];
    const end = this.twins.broker.add({
      filter: 'edgemanager/v1/reply/#',
      listener: (message) => replies.push(message),
    });
    try {
      for (const { topic, payload } of messages) {
        this.twins.broker.publish({ topic, payload, form: 'binary' });
      }
      await this.#quiet();
    } finally {
      end();
    }
    assert.ok(replies.length <= messages.length, `${replies.length} replies to ${messages.length} messages`);
    const sent = messages
      .map(({ payload }) => Buffer.from(payload.subarray(0, 10_000)).toString())
      .join('\n');
    const ids = replies.map((reply) => judgeReply(reply, sent, this.#secrets).id);
    this.#sent += messages.length;
    this.#answered += replies.length;
    for (const { answered } of messages) {
      if (answered === undefined) continue;
      assert.equal(ids.filter((id) => id === answered).length, 1, `replies to ${answered}`);
    }
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined, 'a prototype was polluted');
  }

  /** Another app goes on as if nothing had happened. */
  async victimServed(): Promise<void> {
    const { captureId } = await this.#victim.request(
      'captureStatus',
      { captureId: 'victim-capture' },
      { timeoutMs: 5000 },
    );
    assert.equal(captureId, 'victim-capture');
    assert.equal((await predict(this.twins, { inputs: [input] })).model, 'Model');
  }

  async #quiet(): Promise<void> {
    const { responder } = this.twins.link;
    await until(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return responder.inFlight === 0;
    }, 'all requests are answered');
    await new Promise((resolve) => setImmediate(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.lag.disable();
    await this.#victim.close();
    await this.twins[Symbol.asyncDispose]();
  }
}

const engine = createMemoryEngine(() => ({
  inputs: [{ name: 'x', datatype: 'FP32', shape: ['n'] }],
  outputs: [{ name: 'x', datatype: 'FP32', shape: ['n'] }],
  run: () => [tensorOf('x', 'FP32', [1], Float32Array.of(1))],
}));
const session = engine.load(new Uint8Array());

async function host(request: Parameters<typeof readInputs>[0]) {
  const model = await session;
  const outputs = await model.run(readInputs(request, model.inputs), request.outputs);
  return { outputs: writeOutputs(outputs, request) };
}
