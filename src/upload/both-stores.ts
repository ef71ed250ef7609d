import type { ObjectStore, PutOutcome, PutRequest } from './object-store.js';

/** `Disk` with periodic upload: an object is confirmed when it lies in both, first on disk. */
export class BothStores implements ObjectStore {
  readonly #first: ObjectStore;
  readonly #second: ObjectStore;

  constructor(first: ObjectStore, second: ObjectStore) {
    this.#first = first;
    this.#second = second;
  }

  async put(request: PutRequest, signal: AbortSignal): Promise<PutOutcome> {
    const first = await this.#first.put(request, signal);
    return first.outcome === 'failed' ? first : await this.#second.put(request, signal);
  }

  reset(): void {
    this.#first.reset();
    this.#second.reset();
  }

  async close(): Promise<void> {
    await this.#second.close();
    await this.#first.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
