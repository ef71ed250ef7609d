/**
 * Places that several take of one number. Nobody may take more than it leaves free, so that one who asks without end
 * holds half of them at most, a second one a quarter, and whoever has none finds room.
 *
 * @example
 * const places = new Shares();
 * if (!places.hasRoom(caller, 30)) throw full();
 * places.take(caller);
 */
export class Shares {
  readonly #taken = new Map<string, number>();
  #all = 0;

  /** Over all. */
  get taken(): number {
    return this.#all;
  }

  of(name: string): number {
    return this.#taken.get(name) ?? 0;
  }

  /**
   * @param places how many there are
   * @param most how many one may take at most, whatever is free
   */
  hasRoom(name: string, places: number, most = Infinity): boolean {
    return this.of(name) < Math.min(most, places - this.#all);
  }

  take(name: string): void {
    this.#all += 1;
    this.#taken.set(name, this.of(name) + 1);
  }

  give(name: string): void {
    const left = this.of(name) - 1;
    this.#all -= 1;
    if (left > 0) this.#taken.set(name, left);
    else this.#taken.delete(name);
  }
}
