import { setMaxListeners } from 'node:events';
import { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { MAX_MESSAGE_BYTES } from '../../contract/mod.js';
import {
  EdgeError,
  fullJitterMs,
  Listeners,
  messageOf,
  retry,
  within,
  type Clock,
  type Json,
  type JsonObject,
  type Logger,
  type Random,
} from '../../core/mod.js';
import { clientConfig, connectError, requireEnvironment, type Environment } from './client-config.js';
import { translateIpcError } from './ipc-errors.js';
import { toIncoming } from './incoming.js';
import type { ConnectionState, GreengrassPort, IncomingMessage, PublishOptions } from '../mod.js';

type Client = greengrasscoreipc.Client;

/** Defaults suit a nucleus that restarts within seconds and one that is away for hours. */
const BACKOFF = { baseMs: 200, capMs: 15_000 };
const CALL_TIMEOUT_MS = 10_000;
const IOT_CORE_MAX_BYTES = 128 * 1024;

export interface GreengrassOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Default: the variables that Greengrass gives to a component. */
  readonly environment?: Environment;
}

/** A stream that is opened on every connection anew. */
interface Stream {
  readonly open: (client: Client) => Promise<{ close(): Promise<void> }>;
  current: { close(): Promise<void> } | undefined;
}

/** Connects once and waits for it: UNAVAILABLE where the socket is missing or the nucleus refuses the SVCUID. */
export async function connectGreengrass(options: GreengrassOptions): Promise<GreengrassPort> {
  const ipc = new GreengrassIpc(options);
  await ipc.connectFirst();
  return ipc;
}

/**
 * Greengrass IPC over the official device client, which neither reconnects, nor settles calls that were pending
 * at a disconnect, nor survives large writes on a closing connection. So: every call races with a timeout and
 * with the loss of the connection, a new client is made after each loss (full jitter), streams are reopened
 * before `regained` is told, and nothing over {@link MAX_MESSAGE_BYTES} is published to a topic.
 */
class GreengrassIpc implements GreengrassPort {
  readonly #options: GreengrassOptions;
  readonly #streams = new Set<Stream>();
  readonly #listeners = new Listeners<[state: ConnectionState, cause?: Error]>();
  readonly #closing = new AbortController();
  #client: Client | undefined;
  /** Aborts with the connection: pending calls fail with UNAVAILABLE. */
  #connection = new AbortController();
  #reconnecting: Promise<void> | undefined;

  constructor(options: GreengrassOptions) {
    this.#options = options;
  }

  async connectFirst(): Promise<void> {
    requireEnvironment(this.#environment());
    await this.#open();
  }

  async publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<void> {
    if (payload.byteLength > MAX_MESSAGE_BYTES) {
      throw new EdgeError(
        'MESSAGE_TOO_LARGE',
        `Cannot publish to ${topic} as a message must have at most ${MAX_MESSAGE_BYTES} bytes: this one has ${payload.byteLength}`,
      );
    }
    const publishMessage =
      options.form === 'json'
        ? { jsonMessage: { message: JSON.parse(Buffer.from(payload).toString('utf8')) as unknown } }
        : { binaryMessage: { message: payload } };
    await this.#call(
      `Cannot publish to ${topic}`,
      // Both forms are made here: the client need not look into them once more.
      (client) => client.publishToTopic({ topic, publishMessage }, { disableValidation: true }),
      options.signal,
    );
  }

  async subscribe(
    filter: string,
    listener: (message: IncomingMessage) => void,
  ): Promise<() => Promise<void>> {
    return await this.#stream(`Cannot subscribe to ${filter}`, async (client) => {
      const operation = client.subscribeToTopic({ topic: filter });
      operation.on('message', (message) => {
        const incoming = toIncoming(message, filter);
        if (incoming !== undefined) listener(incoming);
      });
      this.#watch(operation);
      await operation.activate();
      return operation;
    });
  }

  async getConfiguration(keyPath: readonly string[]): Promise<Json> {
    const reply = await this.#call('Cannot read the configuration', (client) =>
      client.getConfiguration({ keyPath: [...keyPath] }),
    );
    return (reply.value ?? {}) as Json;
  }

  async updateConfiguration(keyPath: readonly string[], value: JsonObject): Promise<void> {
    const timestamp = new Date(this.#options.clock.wallMs());
    await this.#call('Cannot update the configuration', (client) =>
      client.updateConfiguration({ keyPath: [...keyPath], timestamp, valueToMerge: value }),
    );
  }

  async onConfigurationChange(
    keyPath: readonly string[],
    listener: () => void,
  ): Promise<() => Promise<void>> {
    return await this.#stream('Cannot follow the configuration', async (client) => {
      const operation = client.subscribeToConfigurationUpdate({ keyPath: [...keyPath] });
      operation.on('message', () => listener());
      this.#watch(operation);
      await operation.activate();
      return operation;
    });
  }

  async updateState(state: 'RUNNING' | 'ERRORED'): Promise<void> {
    await this.#call(`Cannot report the state ${state}`, (client) =>
      client.updateState({ state: state as greengrasscoreipc.model.ReportedLifecycleState }),
    );
  }

  async onComponentUpdate(
    listener: (event: { readonly kind: 'pre' | 'post'; readonly deploymentId: string }) => void,
  ): Promise<() => Promise<void>> {
    return await this.#stream('Cannot follow component updates', async (client) => {
      const operation = client.subscribeToComponentUpdates({});
      operation.on('message', (event) => {
        if (event.preUpdateEvent !== undefined) {
          listener({ kind: 'pre', deploymentId: event.preUpdateEvent.deploymentId });
        }
        if (event.postUpdateEvent !== undefined) {
          listener({ kind: 'post', deploymentId: event.postUpdateEvent.deploymentId });
        }
      });
      this.#watch(operation);
      await operation.activate();
      return operation;
    });
  }

  async deferComponentUpdate(deploymentId: string, recheckAfterMs: number, message?: string): Promise<void> {
    await this.#call('Cannot defer the component update', (client) =>
      client.deferComponentUpdate({
        deploymentId,
        recheckAfterMs,
        ...(message === undefined ? {} : { message }),
      }),
    );
  }

  async publishToIotCore(topic: string, payload: Uint8Array): Promise<void> {
    if (payload.byteLength > IOT_CORE_MAX_BYTES) {
      throw new EdgeError(
        'MESSAGE_TOO_LARGE',
        `Cannot publish to AWS IoT Core as a message must have at most ${IOT_CORE_MAX_BYTES} bytes: this one has ${payload.byteLength}`,
      );
    }
    await this.#call(`Cannot publish to AWS IoT Core at ${topic}`, (client) =>
      client.publishToIoTCore({
        topicName: topic,
        qos: '1' as greengrasscoreipc.model.QOS,
        payload,
      }),
    );
  }

  onConnection(listener: (state: ConnectionState, cause?: Error) => void): () => void {
    return this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new EdgeError('CLOSED', 'The connection to Greengrass was closed'));
    this.#connection.abort(this.#closing.signal.reason);
    const client = this.#client;
    this.#client = undefined;
    await this.#reconnecting?.catch(() => undefined);
    await client?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #environment(): Environment {
    return this.#options.environment ?? process.env;
  }

  async #open(): Promise<void> {
    const client = greengrasscoreipc.createClient(clientConfig(this.#environment()));
    try {
      await this.#bounded(client.connect(), [this.#closing.signal]);
    } catch (thrown) {
      await client.close().catch(() => undefined);
      throw connectError(thrown, this.#environment());
    }
    const connection = new AbortController();
    // One listener per call under way is no leak, however many there are.
    setMaxListeners(0, connection.signal, this.#closing.signal);
    client.on('disconnection', (event) => this.#lost(client, connection, event?.reason));
    this.#client = client;
    this.#connection = connection;
    for (const stream of this.#streams) {
      stream.current = await this.#bounded(stream.open(client), [connection.signal]);
    }
  }

  #lost(client: Client, connection: AbortController, reason: Error | undefined): void {
    const cause = reason ?? new Error('The nucleus closed the connection');
    connection.abort(new EdgeError('CONNECTION_LOST', 'The connection to Greengrass was lost', { cause }));
    if (this.#client !== client || this.#closing.signal.aborted) return;
    this.#client = undefined;
    this.#options.logger.warn('Greengrass IPC lost', { reason: messageOf(cause) });
    this.#listeners.tell('lost', cause);
    this.#reconnecting = this.#reconnect();
  }

  /** All devices and components of a nucleus that restarts lose it at the same moment. */
  async #reconnect(): Promise<void> {
    const { clock, random } = this.#options;
    await clock.sleep(fullJitterMs(1, BACKOFF, random), this.#closing.signal).catch(() => undefined);
    await this.#keepConnecting();
  }

  async #keepConnecting(): Promise<void> {
    const { signal } = this.#closing;
    try {
      await retry((attempt) => this.#tryToOpen(attempt), {
        ...this.#options,
        ...BACKOFF,
        signal,
        worth: () => !signal.aborted,
        onPause: ({ thrown, attempt }) => {
          // A line per attempt would fill the flash of a device whose nucleus is away for days.
          if (attempt > 2 && attempt % 100 !== 0) return;
          this.#options.logger.warn('Greengrass IPC is not there yet', {
            attempt,
            reason: messageOf(thrown),
          });
        },
      });
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
  }

  async #tryToOpen(attempt: number): Promise<void> {
    try {
      await this.#open();
    } catch (thrown) {
      const client = this.#client;
      this.#client = undefined;
      await client?.close().catch(() => undefined);
      const isRefused = thrown instanceof EdgeError && thrown.code === 'PERMISSION_DENIED';
      if (isRefused && !this.#closing.signal.aborted) this.#listeners.tell('refused', thrown);
      throw thrown;
    }
    this.#options.logger.info('Greengrass IPC connected', { attempt });
    this.#listeners.tell('regained');
  }

  /** A failing stream is reopened with the connection; the error itself is only told. */
  #watch(operation: { on(event: 'streamError', listener: (error: Error) => void): unknown }): void {
    operation.on('streamError', (error) => {
      this.#options.logger.warn('A Greengrass stream failed', { reason: messageOf(error) });
    });
  }

  async #stream(
    action: string,
    open: (client: Client) => Promise<{ close(): Promise<void> }>,
  ): Promise<() => Promise<void>> {
    const stream: Stream = { open, current: undefined };
    if (this.#client === undefined && this.#reconnecting !== undefined) {
      // Opened with all others as soon as the connection is there.
      this.#streams.add(stream);
      await this.#reconnecting;
    } else {
      stream.current = await this.#call(action, open);
      this.#streams.add(stream);
    }
    return async () => {
      this.#streams.delete(stream);
      const { current } = stream;
      stream.current = undefined;
      await current?.close().catch(() => undefined);
    };
  }

  async #call<T>(action: string, run: (client: Client) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const client = this.#client;
    if (client === undefined) {
      throw new EdgeError('CONNECTION_LOST', `${action} as Greengrass IPC is not connected`, {
        retryAfterMs: 1000,
      });
    }
    const signals = [this.#connection.signal, ...(signal === undefined ? [] : [signal])];
    try {
      return await this.#bounded(run(client), signals);
    } catch (thrown) {
      throw translateIpcError(thrown, action);
    }
  }

  /** The promise, or the first abort, or a timeout: the device client may never settle. */
  async #bounded<T>(promise: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
    return await within(this.#options.clock, CALL_TIMEOUT_MS, promise, {
      signals,
      late: () => new EdgeError('NO_REPLY', `Greengrass IPC did not answer within ${CALL_TIMEOUT_MS} ms`),
    });
  }
}
