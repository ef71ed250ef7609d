import { randomBytes } from 'node:crypto';
import type { Random } from '../core/mod.js';

const POOL_BYTES = 2048;

/** The machine's own randomness, fetched in advance: a request takes an id or two, and each fetch is a system call. */
class PooledRandom implements Random {
  #pool = Buffer.alloc(0);

  fraction(): number {
    return this.#take(4).readUInt32LE() / 4294967296;
  }

  hex(bytes: number): string {
    return this.#take(bytes).toString('hex');
  }

  /** Bytes that nobody gets twice. */
  #take(count: number): Buffer {
    if (this.#pool.byteLength < count) this.#pool = randomBytes(Math.max(count, POOL_BYTES));
    const taken = this.#pool.subarray(0, count);
    this.#pool = this.#pool.subarray(count);
    return taken;
  }
}

export const systemRandom: Random = new PooledRandom();
