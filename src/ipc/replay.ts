import { REPLAY_LIMIT, REPLAY_WINDOW_MS, type ReplyEnvelope } from '../contract/mod.js';
import type { Clock } from '../core/mod.js';

/** Far more than the components of a core, each with some starts in a minute. */
const MAX_CALLERS = 512;

interface Entry {
  readonly expiresMs: number;
  readonly reply: Promise<ReplyEnvelope>;
}

interface Caller {
  readonly entries: Map<string, Entry>;
  /** When the last of them expires. */
  expiresMs: number;
}

/**
 * Answers by caller and id, so that a request that is sent again (its reply was lost) runs once.
 * Bounded: at most {@link REPLAY_LIMIT} answers a caller, each for {@link REPLAY_WINDOW_MS}, and
 * {@link MAX_CALLERS} callers, of which those that were silent longest go: a caller can name itself anew each time.
 * Whoever has been silent for longer than that window goes with the next request of anybody.
 */
export class ReplayCache {
  readonly #clock: Clock;
  /** In order of use: who was silent longest stands in front. */
  readonly #callers = new Map<string, Caller>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Callers of which it remembers answers. */
  get size(): number {
    return this.#callers.size;
  }

  /** The remembered answer, or that of `run`, which then is remembered. `again` tells a repetition. */
  answer(
    name: string,
    id: string,
    run: () => Promise<ReplyEnvelope>,
  ): { reply: Promise<ReplyEnvelope>; again: boolean } {
    const now = this.#clock.monotonicMs();
    const caller = this.#caller(name, now);
    const { entries } = caller;
    const known = entries.get(id);
    if (known !== undefined) return { reply: known.reply, again: true };
    const reply = run();
    caller.expiresMs = now + REPLAY_WINDOW_MS;
    entries.set(id, { expiresMs: caller.expiresMs, reply });
    for (const oldest of entries.keys()) {
      if (entries.size <= REPLAY_LIMIT) break;
      entries.delete(oldest);
    }
    return { reply, again: false };
  }

  /** The caller has gone: nobody will ask again. */
  forget(name: string): void {
    this.#callers.delete(name);
  }

  #caller(name: string, now: number): Caller {
    const caller = this.#callers.get(name) ?? { entries: new Map<string, Entry>(), expiresMs: 0 };
    this.#callers.delete(name);
    this.#dropSilent(now);
    this.#callers.set(name, caller);
    // Insertion order is expiry order: the expired stand in front.
    for (const [id, entry] of caller.entries) {
      if (entry.expiresMs > now) break;
      caller.entries.delete(id);
    }
    return caller;
  }

  #dropSilent(now: number): void {
    for (const [name, { expiresMs }] of this.#callers) {
      if (expiresMs > now && this.#callers.size < MAX_CALLERS) return;
      this.#callers.delete(name);
    }
  }
}
