import { MAX_MESSAGE_BYTES } from '../contract/mod.js';
import { EdgeError, isJsonObject, Listeners, type Json, type JsonObject } from '../core/mod.js';
import type { ConnectionState, GreengrassPort, IncomingMessage, PublishOptions } from './port.js';
import { filterMatches } from './wildcard.js';

interface Subscriber {
  readonly filter: string;
  readonly listener: (message: IncomingMessage) => void;
}

/** A component's port to a {@link MemoryBroker}, with what a test needs to play the nucleus. */
export interface MemoryGreengrass extends GreengrassPort {
  readonly states: readonly ('RUNNING' | 'ERRORED')[];
  readonly deferred: readonly { deploymentId: string; recheckAfterMs: number; message: string | undefined }[];
  readonly iotCore: readonly { topic: string; payload: Uint8Array }[];
  deafSeconds: number;
  setConfiguration(value: JsonObject): void;
  /** What {@link GreengrassPort.getConfiguration} finds of another component. */
  setConfigurationOf(component: string, value: JsonObject): void;
  announceUpdate(event: { kind: 'pre' | 'post'; deploymentId: string }): void;
  /** Cuts or restores the connection. */
  setConnected(connected: boolean): void;
}

/** Publish/subscribe in memory: delivery is asynchronous and in order, unheard messages are lost, as on a core. */
export class MemoryBroker {
  readonly #subscribers = new Set<Subscriber>();

  /** A port for one component. */
  connect(configuration: JsonObject = {}): MemoryGreengrass {
    return new MemoryPort(this, configuration);
  }

  publish(message: IncomingMessage): void {
    for (const subscriber of this.#subscribers) {
      if (!filterMatches(subscriber.filter, message.topic)) continue;
      queueMicrotask(() => {
        if (this.#subscribers.has(subscriber)) subscriber.listener(message);
      });
    }
  }

  add(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }
}

class MemoryPort implements MemoryGreengrass {
  deafSeconds = 0;
  readonly states: ('RUNNING' | 'ERRORED')[] = [];
  readonly deferred: { deploymentId: string; recheckAfterMs: number; message: string | undefined }[] = [];
  readonly iotCore: { topic: string; payload: Uint8Array }[] = [];
  readonly #broker: MemoryBroker;
  readonly #ends = new Listeners<[]>();
  readonly #connectionListeners = new Listeners<[state: ConnectionState]>();
  readonly #configurationListeners = new Listeners<[]>();
  readonly #updateListeners = new Listeners<[event: { kind: 'pre' | 'post'; deploymentId: string }]>();
  readonly #configurationsOfOthers = new Map<string, JsonObject>();
  #configuration: JsonObject;
  #connected = true;

  constructor(broker: MemoryBroker, configuration: JsonObject) {
    this.#broker = broker;
    this.#configuration = configuration;
  }

  publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<void> {
    if (!this.#connected)
      return Promise.reject(
        new EdgeError('CONNECTION_LOST', `Cannot publish to ${topic} as Greengrass IPC is not connected`),
      );
    if (payload.byteLength > MAX_MESSAGE_BYTES) {
      return Promise.reject(
        new EdgeError(
          'MESSAGE_TOO_LARGE',
          `Cannot publish to ${topic} as a message must have at most ${MAX_MESSAGE_BYTES} bytes: this one has ${payload.byteLength}`,
        ),
      );
    }
    this.#broker.publish({ topic, payload: payload.slice(), form: options.form ?? 'binary' });
    return Promise.resolve();
  }

  subscribe(filter: string, listener: (message: IncomingMessage) => void): Promise<() => Promise<void>> {
    const end = this.#broker.add({
      filter,
      listener: (message) => {
        if (this.#connected) listener(message);
      },
    });
    return Promise.resolve(this.#ending(end));
  }

  getConfiguration(keyPath: readonly string[], component?: string): Promise<Json> {
    let value: Json =
      component === undefined ? this.#configuration : (this.#configurationsOfOthers.get(component) ?? {});
    for (const key of keyPath) {
      const next: Json | undefined = isJsonObject(value) ? value[key] : undefined;
      if (next === undefined)
        return Promise.reject(
          new EdgeError(
            'KEY_NOT_FOUND',
            `Cannot read the configuration as ${keyPath.join('/')} is not there`,
          ),
        );
      value = next;
    }
    return Promise.resolve(structuredClone(value));
  }

  updateConfiguration(keyPath: readonly string[], value: JsonObject): Promise<void> {
    const nested = keyPath.reduceRight<JsonObject>((inner, key) => ({ [key]: inner }), value);
    this.setConfiguration({ ...this.#configuration, ...nested });
    return Promise.resolve();
  }

  onConfigurationChange(_keyPath: readonly string[], listener: () => void): Promise<() => Promise<void>> {
    return Promise.resolve(this.#ending(this.#configurationListeners.add(listener)));
  }

  /** As on lite nobody asks. */
  onConfigurationToValidate(): Promise<() => Promise<void>> {
    return Promise.resolve(async () => undefined);
  }

  updateState(state: 'RUNNING' | 'ERRORED'): Promise<void> {
    this.states.push(state);
    return Promise.resolve();
  }

  onComponentUpdate(
    listener: (event: { kind: 'pre' | 'post'; deploymentId: string }) => void,
  ): Promise<() => Promise<void>> {
    return Promise.resolve(this.#ending(this.#updateListeners.add(listener)));
  }

  deferComponentUpdate(deploymentId: string, recheckAfterMs: number, message?: string): Promise<void> {
    this.deferred.push({ deploymentId, recheckAfterMs, message });
    return Promise.resolve();
  }

  publishToIotCore(topic: string, payload: Uint8Array): Promise<void> {
    this.iotCore.push({ topic, payload: payload.slice() });
    return Promise.resolve();
  }

  onConnection(listener: (state: ConnectionState) => void): () => void {
    return this.#connectionListeners.add(listener);
  }

  setConfiguration(value: JsonObject): void {
    this.#configuration = value;
    this.#configurationListeners.tell();
  }

  setConfigurationOf(component: string, value: JsonObject): void {
    this.#configurationsOfOthers.set(component, value);
  }

  announceUpdate(event: { kind: 'pre' | 'post'; deploymentId: string }): void {
    this.#updateListeners.tell(event);
  }

  setConnected(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    this.#connectionListeners.tell(connected ? 'regained' : 'lost');
  }

  close(): Promise<void> {
    this.#ends.tell();
    this.#ends.clear();
    this.#connected = false;
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #ending(end: () => void): () => Promise<void> {
    const forget = this.#ends.add(end);
    return async () => {
      forget();
      end();
    };
  }
}
