import { ModelCounters } from './stats.js';

/** Where requests of one version are: in its host, or waiting. */
export interface Load {
  readonly running: number;
  readonly queued: number;
}

/** Counters of all versions by key, since this control process started. */
export class Counters {
  readonly #byKey = new Map<string, ModelCounters>();
  readonly #load: (key: string) => Load;

  constructor(load: (key: string) => Load) {
    this.#load = load;
  }

  of(key: string): ModelCounters {
    let counters = this.#byKey.get(key);
    if (counters === undefined) {
      counters = new ModelCounters();
      this.#byKey.set(key, counters);
    }
    return counters;
  }

  get keys(): readonly string[] {
    return [...this.#byKey.keys()];
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }

  load(key: string): Load {
    return this.#load(key);
  }
}
