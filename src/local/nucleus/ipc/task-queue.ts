/** Runs tasks in order; a task that returns a promise holds back those behind it until it settles. */
export class TaskQueue {
  readonly #tasks: (() => void | Promise<void>)[] = [];
  #isRunning = false;

  /** Tasks must not reject. */
  run(task: () => void | Promise<void>): void {
    this.#tasks.push(task);
    if (!this.#isRunning) this.#drain();
  }

  #drain(): void {
    this.#isRunning = true;
    for (;;) {
      const task = this.#tasks.shift();
      if (task === undefined) break;
      const waiting = task();
      if (waiting instanceof Promise) {
        void waiting.then(() => this.#drain());
        return;
      }
    }
    this.#isRunning = false;
  }
}
