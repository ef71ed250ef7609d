/**
 * Who wants to hear of something. Told are those who listen when the telling begins, in the order in which they came,
 * except who has stopped meanwhile. One that throws keeps no other from hearing; the first error comes out at the end.
 */
export class Listeners<Told extends readonly unknown[]> {
  readonly #entries = new Set<{ readonly listener: (...told: Told) => void }>();

  get size(): number {
    return this.#entries.size;
  }

  /** The same function may listen twice, and then hears twice. @returns ends this one listening */
  add(listener: (...told: Told) => void): () => void {
    const entry = { listener };
    this.#entries.add(entry);
    return () => {
      this.#entries.delete(entry);
    };
  }

  tell(...told: Told): void {
    const failures: unknown[] = [];
    const present = [...this.#entries];
    for (const entry of present) {
      if (!this.#entries.has(entry)) continue;
      try {
        entry.listener(...told);
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  clear(): void {
    this.#entries.clear();
  }
}
