import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../../src/core/mod.js';
import { KIND, MAX_FRAME_BYTES, PREAMBLE } from '../../../src/ipc/framed/mod.js';
import { Endpoint } from '../../../src/runtime/endpoint/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { configurationWith } from '../../lib/client-ways.js';
import { RawEndpoint } from '../../lib/raw-endpoint.js';
import { until } from '../../lib/until.js';

/** An endpoint whose answers are large, and whose time a test lets pass. */
class ImpatientEndpoint implements AsyncDisposable {
  readonly path: string;
  answered = 0;
  #skewMs = 0;
  #stoodAtMs: number | undefined;
  #endpoint: Endpoint | undefined;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 'endpoint.sock');
  }

  static async open(): Promise<ImpatientEndpoint> {
    const made = new ImpatientEndpoint(await mkdtemp(join(tmpdir(), 'edge-')));
    const text = 'x'.repeat(MAX_FRAME_BYTES / 2);
    made.#endpoint = await Endpoint.open({
      configuration: configurationWith({}),
      defaultPath: made.path,
      responder: {
        answer: async ({ id }) => {
          made.answered++;
          return { v: 1, id, ok: true, body: { text } };
        },
      },
      clock: {
        ...systemClock,
        monotonicMs: () => (made.#stoodAtMs ?? systemClock.monotonicMs()) + made.#skewMs,
      },
      random: systemRandom,
      logger: silentLogger,
      onGone: () => undefined,
    });
    return made;
  }

  get connections(): number {
    return this.#endpoint?.connections ?? 0;
  }

  /** As if so much time had passed. */
  pass(ms: number): void {
    this.#skewMs += ms;
  }

  /** From now on nobody's patience ends by itself. */
  stand(): void {
    this.#stoodAtMs = systemClock.monotonicMs();
  }

  async close(): Promise<void> {
    await this.#endpoint?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

describe('the patience of the local endpoint', () => {
  it('ends with who says no hello, or never ends a frame, however it is dealt out', async () => {
    await using endpoint = await ImpatientEndpoint.open();
    const mute = await RawEndpoint.connect(endpoint.path);
    const half = await RawEndpoint.greeted(endpoint.path);
    const dripping = await RawEndpoint.greeted(endpoint.path);
    const idle = await RawEndpoint.greeted(endpoint.path);
    await until(() => endpoint.connections === 4, 'all are there');
    half.write(Buffer.from([0x10, 0, 0, 0]));
    dripping.write(Buffer.from([0x10]));
    endpoint.pass(6000);
    // Time is looked at each second.
    await systemClock.sleep(0);
    dripping.write(Buffer.from([0]));
    endpoint.pass(6000);
    assert.equal(await mute.refusal(), 'MESSAGE_UNREADABLE');
    assert.equal(await half.refusal(), 'MESSAGE_UNREADABLE');
    assert.equal(await dripping.refusal(), 'MESSAGE_UNREADABLE');
    idle.predict(1);
    await idle.frame(KIND.reply, 1);
    idle.close();
    await until(() => endpoint.connections === 0, 'all have gone');
  });

  it('is not tried by who was half through the first bytes', async () => {
    await using endpoint = await ImpatientEndpoint.open();
    const slow = await RawEndpoint.connect(endpoint.path);
    for (const byte of PREAMBLE) {
      slow.write(Uint8Array.of(byte));
      await systemClock.sleep(0);
    }
    slow.send({ kind: KIND.hello, id: 0, metadata: { protocol: 1 } });
    await slow.frame(KIND.welcome);
    slow.close();
  });

  it('is short at the end: who does not read its answers holds up no stop of the agent', async () => {
    await using endpoint = await ImpatientEndpoint.open();
    const deaf = await RawEndpoint.greeted(endpoint.path);
    deaf.deafen();
    for (let id = 1; id <= 20; id++) deaf.predict(id);
    await until(() => endpoint.answered >= 2, 'some are answered');
    endpoint.stand();
    await endpoint.close();
    await until(() => endpoint.connections === 0, 'it has gone');
  });

  it('reads no more of who does not read its answers, and closes it', async () => {
    await using endpoint = await ImpatientEndpoint.open();
    const deaf = await RawEndpoint.greeted(endpoint.path);
    deaf.deafen();
    for (let id = 1; id <= 200; id++) deaf.predict(id);
    // A few fill the system's buffer and ours; half a megabyte each.
    await until(() => endpoint.answered >= 2, 'some are answered');
    const other = await RawEndpoint.greeted(endpoint.path);
    other.predict(1);
    await other.frame(KIND.reply, 1);
    assert.ok(endpoint.answered < 80, `${endpoint.answered} answers for who reads none`);
    endpoint.pass(1);
    await until(() => {
      endpoint.pass(5000);
      return endpoint.connections === 1;
    }, 'it is closed');
    other.predict(2);
    await other.frame(KIND.reply, 2);
    other.close();
    deaf.close();
  });
});
