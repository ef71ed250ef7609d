import { setTimeout as sleep } from 'node:timers/promises';
import type { Json, JsonObject } from '../../../src/core/mod.js';
import { CONNECTION_ACCEPTED, MESSAGE_TYPE, type Frame } from '../../../src/ipc/frames/mod.js';
import { json, RawIpcClient } from '../raw-ipc-client.js';

/** After this a nucleus that has said nothing will say nothing. */
const SILENCE_MS = 8_000;
/** What a delivery takes at most; also how long is waited for one that must not come. */
const DELIVERY_MS = 400;
/** How long an event is waited for that should come. */
const LATE_MS = 2_500;

/** A stream that a nucleus answers on more than once. */
export interface Listening {
  readonly answer: Json;
  /** The events so far, after a moment for those under way; `atLeast` of them are waited for longer. */
  events(atLeast?: number): Promise<Json[]>;
}

/**
 * Asks one nucleus, from inside a component. Answers are JSON without what differs from run to run: SVCUIDs, ports,
 * folders and ids are named, not shown.
 */
export class Probe {
  readonly component: string;
  readonly socketPath: string;
  readonly svcuid: string;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #open = new Set<RawIpcClient>();

  constructor(component: string, environment: Readonly<Record<string, string | undefined>>) {
    this.component = component;
    this.#environment = environment;
    this.socketPath = environment['AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT'] ?? '';
    this.svcuid = environment['SVCUID'] ?? '';
  }

  variable(name: string): string | undefined {
    return this.#environment[name];
  }

  /** What is answered to a first frame: a connect message with these words, unless `type` says otherwise. */
  async connect(words: JsonObject, frame: { type?: number; version?: string } = {}): Promise<Json> {
    const client = await this.#unconnected();
    const version = frame.version ?? '0.1.0';
    client.send({
      type: frame.type ?? MESSAGE_TYPE.connect,
      flags: 0,
      streamId: 0,
      version,
      payload: json(words),
    });
    const answer = await this.#first(client, () => true);
    if (typeof answer === 'string') return answer;
    const isAccepted = (answer.flags & CONNECTION_ACCEPTED) !== 0;
    const svcuid = answer.svcuid === undefined ? {} : { svcuidCharacters: answer.svcuid.length };
    const end = isAccepted ? {} : { afterwards: await outcome(client) };
    return { type: answer.type, isAccepted, ...svcuid, ...end, ...text(this.#named(utf8(answer.payload))) };
  }

  /** A connection of its own; `undefined` where it is not accepted. */
  async client(): Promise<RawIpcClient | undefined> {
    const client = await this.#unconnected();
    const payload = json({ authToken: this.svcuid });
    client.send({ type: MESSAGE_TYPE.connect, flags: 0, streamId: 0, version: '0.1.0', payload });
    const answer = await this.#first(client, () => true);
    return typeof answer === 'string' || (answer.flags & CONNECTION_ACCEPTED) === 0 ? undefined : client;
  }

  /** One request on a connection of its own; `body` may be text that is not JSON. */
  async ask(operation: string, body: JsonObject | string): Promise<Json> {
    const client = await this.#connected();
    const answer = await this.answerTo(client, operation, body);
    client.socket.destroy();
    return answer;
  }

  async answerTo(client: RawIpcClient, operation: string, body: JsonObject | string): Promise<Json> {
    const streamId = client.request(operation, body);
    return this.#told(operation, await this.#first(client, (frame) => frame.streamId === streamId));
  }

  async listen(operation: string, body: JsonObject, on?: RawIpcClient): Promise<Listening> {
    const client = on ?? (await this.#connected());
    const streamId = client.request(operation, body);
    const answer = this.#told(operation, await this.#first(client, (frame) => frame.streamId === streamId));
    const events = (): Json[] =>
      client.frames.received
        .filter((frame) => frame.streamId === streamId)
        .slice(1)
        .map((frame) => this.#event(frame));
    return {
      answer,
      events: async (atLeast = 0) => {
        for (let waitedMs = 0; events().length < atLeast && waitedMs < LATE_MS; waitedMs += 20)
          await sleep(20);
        await sleep(DELIVERY_MS);
        return events();
      },
    };
  }

  /** Ends all connections that questions have opened. */
  async close(): Promise<void> {
    const ends = [...this.#open].map((client) => client.ended);
    for (const { socket } of this.#open) socket.destroy();
    this.#open.clear();
    await Promise.all(ends);
  }

  async #unconnected(): Promise<RawIpcClient> {
    const client = await RawIpcClient.open(this.socketPath);
    this.#open.add(client);
    return client;
  }

  async #connected(): Promise<RawIpcClient> {
    const client = await this.client();
    if (client === undefined) throw new Error('The nucleus did not accept a connection of the probe');
    return client;
  }

  async #first(
    client: RawIpcClient,
    wanted: (frame: Frame) => boolean,
  ): Promise<Frame | 'closed' | 'silence'> {
    const found = (): Frame | undefined => client.frames.received.find(wanted);
    let isClosed = false;
    void client.ended.then(() => (isClosed = true));
    for (let waitedMs = 0; waitedMs < SILENCE_MS; waitedMs += 5) {
      const frame = found();
      if (frame !== undefined) return frame;
      if (isClosed) return 'closed';
      await sleep(5);
    }
    return 'silence';
  }

  #told(operation: string, frame: Frame | 'closed' | 'silence'): Json {
    if (typeof frame === 'string') return frame;
    const body = this.#named(utf8(frame.payload));
    const shape = frame.shape?.replace('aws.greengrass#', '');
    if (frame.type === MESSAGE_TYPE.applicationError) return { error: shape ?? null, ...text(body) };
    const isUsual = shape === `${operation}Response`;
    return { ...(isUsual ? {} : { type: frame.type, shape: shape ?? null }), response: parsed(body) };
  }

  #event(frame: Frame): Json {
    const body = parsed(this.#named(utf8(frame.payload)));
    const isEnd = frame.type === MESSAGE_TYPE.applicationError;
    return isEnd ? { ends: frame.shape?.replace('aws.greengrass#', '') ?? null, body } : body;
  }

  #named(content: string): string {
    return content
      .replaceAll(this.svcuid, '<svcuid>')
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>');
  }
}

async function outcome(client: RawIpcClient): Promise<string> {
  return await Promise.race([client.ended.then(() => 'closed'), sleep(1_500).then(() => 'open')]);
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function parsed(content: string): Json {
  try {
    return JSON.parse(content) as Json;
  } catch {
    return content;
  }
}

function text(content: string): JsonObject {
  return content === '' ? {} : { body: parsed(content) };
}
