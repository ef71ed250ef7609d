/** Randomness as a port; the real one stands in src/system. */
export interface Random {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** `bytes` random bytes as lower-case hex, from a cryptographic source. */
  hex(bytes: number): string;
}

/** A repeatable source for tests: the seed gives the sequence (mulberry32). Never for secrets. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  hex(bytes: number): string {
    let text = '';
    for (let index = 0; index < bytes; index++) {
      text += Math.floor(this.fraction() * 256)
        .toString(16)
        .padStart(2, '0');
    }
    return text;
  }
}
