/** Says how something is undone. */
export type OnEnd = (end: () => void | Promise<void>) => void;

/**
 * How what was begun is undone: the last first, whatever becomes of the others. None waits for those before it, as each
 * has to hear what came until then, and more would come for the next meanwhile.
 */
export class Ends {
  readonly #ends: Parameters<OnEnd>[0][] = [];
  readonly add: OnEnd = (end) => void this.#ends.push(end);

  /** Undoes all once. A failure is dropped: what cannot be undone is gone already, such as a lost connection's stream. */
  async close(): Promise<void> {
    await Promise.allSettled(
      this.#ends
        .splice(0)
        .toReversed()
        .map(async (end) => await end()),
    );
  }
}
