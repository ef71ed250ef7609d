import type { Failure } from './failure.js';

/** Refusals in a row, without a success between them, from which the store is suspected and not the objects. */
const SUSPICIOUS = 3;

/** What is held against one object. */
export interface Suspicion {
  readonly refusals: number;
  /** Successes of others until its last refusal. */
  readonly successes: number;
}

/**
 * Decides whether refusals are an object's own fault. A code that names the object needs no evidence. Any other one
 * may be everybody's: a mistyped endpoint refuses every object. So a refusal counts against an object only where
 * others went through since its last one, with the same bucket, prefix and credentials; and while nobody goes through,
 * the store as a whole is what refuses, and everything is held.
 */
export class Refusals {
  readonly #tries: number;
  #successes = 0;
  #inARow = 0;

  /** @param tries refusals that count, before an object is set aside */
  constructor(tries: number) {
    this.#tries = tries;
  }

  succeeded(): void {
    this.#successes++;
    this.#inARow = 0;
  }

  /** What is held against an object after a further refusal. */
  next(failure: Failure, former: Suspicion | undefined): Suspicion {
    if (failure.class === 'refusal') this.#inARow++;
    const counts = failure.class === 'poison' || former === undefined || this.#successes > former.successes;
    return { refusals: (former?.refusals ?? 0) + (counts ? 1 : 0), successes: this.#successes };
  }

  /** Whether the object is set aside. */
  isPoison({ refusals }: Suspicion): boolean {
    return refusals >= this.#tries;
  }

  /** Whether a refusal says something of the whole store. */
  concernsStore({ class: kind }: Failure): boolean {
    return kind === 'refusal' && this.#inARow >= SUSPICIOUS;
  }
}
