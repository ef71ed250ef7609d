/** What must end with its owner, ended newest first; all of it, even where one fails. */
export class Owned implements AsyncDisposable {
  readonly #ends: (() => unknown)[] = [];

  defer(end: () => unknown): void {
    this.#ends.push(end);
  }

  use<T extends AsyncDisposable>(one: T): T {
    this.defer(() => one[Symbol.asyncDispose]());
    return one;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'Not everything could be ended');
  }
}
