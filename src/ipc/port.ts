import type { Json, JsonObject } from '../core/mod.js';

/** A message as it came: the topic it was published on and the payload's bytes. */
export interface IncomingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** `json` where the sender used a jsonMessage; answers go back in kind. */
  readonly form: 'binary' | 'json';
}

export interface PublishOptions {
  readonly form?: 'binary' | 'json';
}

/**
 * `regained`: subscriptions are back. `refused`: the nucleus does not know this SVCUID; attempts go on. `ended`: it was
 * lost, and does not come back.
 */
export type ConnectionState = 'lost' | 'regained' | 'refused' | 'ended';

/**
 * Publish/subscribe between components. Implementations reconnect by themselves with backoff and restore their
 * subscriptions; `publish` fails with UNAVAILABLE while disconnected, and with INVALID_ARGUMENT over
 * MAX_MESSAGE_BYTES.
 */
export interface Transport extends AsyncDisposable {
  /** What it delivers at most. Default: MAX_MESSAGE_BYTES. */
  readonly maxMessageBytes?: number;
  publish(topic: string, payload: Uint8Array, options?: PublishOptions): Promise<void>;
  /**
   * Resolves when the broker has accepted the subscription. The listener is called in order and must not throw.
   * @returns ends the subscription
   */
  subscribe(filter: string, listener: (message: IncomingMessage) => void): Promise<() => Promise<void>>;
  /** Calls back at each change of the connection. */
  onConnection(listener: (state: ConnectionState, cause?: Error) => void): () => void;
  close(): Promise<void>;
}

/** What a component asks of Greengrass beside pub/sub. UNIMPLEMENTED where this nucleus lacks the operation. */
export interface GreengrassPort extends Transport {
  /** Seconds without a connection since the first one, over all losses that are over. */
  readonly deafSeconds: number;
  /** `keyPath` empty: the whole effective configuration. `component`: another one's, such as a service of the nucleus. */
  getConfiguration(keyPath: readonly string[], component?: string): Promise<Json>;
  updateConfiguration(keyPath: readonly string[], value: JsonObject): Promise<void>;
  /** Calls back at each change below keyPath (on lite once per changed leaf). Restored after a reconnect. */
  onConfigurationChange(keyPath: readonly string[], listener: () => void): Promise<() => Promise<void>>;
  /**
   * Asks before a deployment changes this component's configuration: what `judge` gives, one sentence, lets the
   * deployment fail; undefined lets it go on. UNIMPLEMENTED on lite, which never asks.
   */
  onConfigurationToValidate(
    judge: (configuration: unknown) => Promise<string | undefined>,
  ): Promise<() => Promise<void>>;
  updateState(state: 'RUNNING' | 'ERRORED'): Promise<void>;
  /** Calls back before a deployment restarts this component. UNIMPLEMENTED on lite. */
  onComponentUpdate(
    listener: (event: { readonly kind: 'pre' | 'post'; readonly deploymentId: string }) => void,
  ): Promise<() => Promise<void>>;
  deferComponentUpdate(deploymentId: string, recheckAfterMs: number, message?: string): Promise<void>;
  /**
   * QoS 0, at most 128 KiB: refused while the device is offline. The Java nucleus would keep QoS 1, and send all that
   * is stale at once when the device is back.
   */
  publishToIotCore(topic: string, payload: Uint8Array): Promise<void>;
}
