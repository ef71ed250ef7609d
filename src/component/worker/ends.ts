/** Says how something is undone. */
export type OnEnd = (end: () => void | Promise<void>) => void;

/** How what was begun is undone: the last first, each in its turn, whatever became of those before. */
export class Ends {
  readonly #ends: Parameters<OnEnd>[0][] = [];
  readonly add: OnEnd = (end) => void this.#ends.push(end);

  /** Undoes all once. A failure is dropped: what cannot be undone is gone already, such as a lost connection's stream. */
  async close(): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await (async () => end())().catch(() => undefined);
  }
}
