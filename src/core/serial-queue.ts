/**
 * Runs tasks one after another, in the order in which they came. A task that fails fails for its own caller only:
 * those behind it run. A task must not wait for one that it asks of the same queue.
 */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** Whether a task runs or waits. */
  get isBusy(): boolean {
    return this.#pending > 0;
  }

  /** Resolves with what the task gives, or rejects with what it throws, when its turn is over. */
  async run<T>(task: () => Promise<T> | T): Promise<T> {
    this.#pending++;
    const turn = this.#tail.then(task).finally(() => this.#pending--);
    this.#tail = turn.catch(() => undefined);
    return await turn;
  }

  /** Resolves when all that was asked for until now is over, well or not. Never rejects. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}

/** A {@link SerialQueue} for each key: what concerns one key takes turns, other keys go on at the same time. */
export class SerialQueues {
  readonly #queues = new Map<string, SerialQueue>();

  /** How many keys have a task that runs or waits. */
  get size(): number {
    return this.#queues.size;
  }

  async run<T>(key: string, task: () => Promise<T> | T): Promise<T> {
    const queue = this.#queues.get(key) ?? new SerialQueue();
    this.#queues.set(key, queue);
    try {
      return await queue.run(task);
    } finally {
      // Another queue may have taken its place since.
      if (!queue.isBusy && this.#queues.get(key) === queue) this.#queues.delete(key);
    }
  }
}
