import { deferred, Listeners } from '../../core/mod.js';
import type { IncomingMessage, PublishOptions, Transport } from '../../ipc/mod.js';

/** A transport that knows what is still on its way out: a process must not end under a reply. */
export class CountedTransport implements Transport {
  readonly #inner: Transport;
  readonly #waiting = new Listeners<[]>();
  #pending = 0;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  async publish(topic: string, payload: Uint8Array, options?: PublishOptions): Promise<void> {
    this.#pending++;
    try {
      await this.#inner.publish(topic, payload, options);
    } finally {
      this.#pending--;
      if (this.#pending === 0) {
        this.#waiting.tell();
        this.#waiting.clear();
      }
    }
  }

  async flushed(): Promise<void> {
    // A reply is handed over a few turns after its request is done.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    if (this.#pending === 0) return;
    const done = deferred<undefined>();
    this.#waiting.add(() => done.resolve(undefined));
    await done.promise;
  }

  async subscribe(
    filter: string,
    listener: (message: IncomingMessage) => void,
  ): Promise<() => Promise<void>> {
    return await this.#inner.subscribe(filter, listener);
  }

  onConnection(listener: Parameters<Transport['onConnection']>[0]): () => void {
    return this.#inner.onConnection(listener);
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
