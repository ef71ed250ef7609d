import { REPLAY_LIMIT, REPLAY_WINDOW_MS, type ReplyEnvelope } from '../contract/mod.js';
import type { Clock } from '../core/mod.js';

/** Far more than the components of a core, each with some starts in a minute. */
const MAX_CALLERS = 512;

interface Entry {
  readonly expiresMs: number;
  readonly reply: Promise<ReplyEnvelope>;
}

/**
 * Answers by caller and id, so that a request that is sent again (its reply was lost) runs once.
 * Bounded: at most {@link REPLAY_LIMIT} answers a caller, each for {@link REPLAY_WINDOW_MS}, and
 * {@link MAX_CALLERS} callers, of which those that were silent longest go: a caller can name itself anew each time.
 */
export class ReplayCache {
  readonly #clock: Clock;
  readonly #callers = new Map<string, Map<string, Entry>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The remembered answer, or that of `run`, which then is remembered. `again` tells a repetition. */
  answer(
    caller: string,
    id: string,
    run: () => Promise<ReplyEnvelope>,
  ): { reply: Promise<ReplyEnvelope>; again: boolean } {
    const now = this.#clock.monotonicMs();
    const entries = this.#entriesOf(caller, now);
    const known = entries.get(id);
    if (known !== undefined) return { reply: known.reply, again: true };
    const reply = run();
    entries.delete(id);
    entries.set(id, { expiresMs: now + REPLAY_WINDOW_MS, reply });
    for (const oldest of entries.keys()) {
      if (entries.size <= REPLAY_LIMIT) break;
      entries.delete(oldest);
    }
    return { reply, again: false };
  }

  #entriesOf(caller: string, now: number): Map<string, Entry> {
    const entries = this.#callers.get(caller) ?? new Map<string, Entry>();
    // Insertion order is the order of use.
    this.#callers.delete(caller);
    if (this.#callers.size >= MAX_CALLERS) this.#dropOldest(now);
    this.#callers.set(caller, entries);
    // Insertion order is expiry order: the expired stand in front.
    for (const [id, entry] of entries) {
      if (entry.expiresMs > now) break;
      entries.delete(id);
    }
    return entries;
  }

  /** A caller's reply topic changes with each start; those of former starts go first, as they are silent. */
  #dropOldest(now: number): void {
    for (const [caller, entries] of this.#callers) {
      const last = [...entries.values()].at(-1);
      const over = this.#callers.size >= MAX_CALLERS;
      if (!over && last !== undefined && last.expiresMs > now) return;
      this.#callers.delete(caller);
    }
  }
}
