/** Runs tasks in order; a task that returns a promise holds back those behind it until it settles. */
export class TaskQueue {
  readonly #tasks: (() => void | Promise<void>)[] = [];
  #isRunning = false;

  /** Tasks must not reject; what one throws comes out here or in a later call, and the next run goes on. */
  run(task: () => void | Promise<void>): void {
    this.#tasks.push(task);
    if (!this.#isRunning) this.#drain();
  }

  #drain(): void {
    this.#isRunning = true;
    let waiting: void | Promise<void> = undefined;
    try {
      for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
        waiting = task();
        if (waiting instanceof Promise) break;
      }
    } finally {
      this.#isRunning = waiting instanceof Promise;
    }
    if (waiting instanceof Promise) void waiting.then(() => this.#drain());
  }
}
