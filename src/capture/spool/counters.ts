/** Counts since the spool was opened: issued = delivered + dropped + queued, for what was issued since. */
export class Counters {
  issued = 0;
  acked = 0;
  delivered = 0;
  lastSuccessMs: number | undefined;
  readonly #drops = new Map<string, number>();

  drop(reason: string, records: number): void {
    if (records > 0) this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + records);
  }

  get drops(): Record<string, number> {
    return Object.fromEntries(this.#drops);
  }
}
