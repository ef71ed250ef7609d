/** Which components listen for update events: only those may defer an update. */
export class ComponentUpdates {
  readonly #listeners = new Map<string, number>();

  add(component: string): void {
    this.#listeners.set(component, (this.#listeners.get(component) ?? 0) + 1);
  }

  remove(component: string): void {
    const left = (this.#listeners.get(component) ?? 0) - 1;
    if (left > 0) this.#listeners.set(component, left);
    else this.#listeners.delete(component);
  }

  has(component: string): boolean {
    return this.#listeners.has(component);
  }
}
