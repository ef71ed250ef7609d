import { REPLAY_LIMIT, REPLAY_WINDOW_MS, type ReplyEnvelope } from '../contract/mod.js';
import type { Clock } from '../core/mod.js';

/** Far more than the components of a core, each with some starts in a minute. */
const MAX_CALLERS = 512;
/** Over all callers: what a control process on a small device can spare. */
const MAX_BYTES = 8 * 1024 * 1024;
/** What an answer takes beside its text. */
const ENTRY_BYTES = 512;

interface Entry {
  readonly expiresMs: number;
  readonly reply: Promise<ReplyEnvelope>;
  bytes: number;
}

interface Caller {
  readonly entries: Map<string, Entry>;
  /** When the last of them expires. */
  expiresMs: number;
}

/**
 * Answers by caller and id, so that a request that is sent again (its reply was lost) runs once.
 * Bounded: at most {@link REPLAY_LIMIT} answers a caller, each for {@link REPLAY_WINDOW_MS}, and
 * {@link MAX_CALLERS} callers and {@link MAX_BYTES} over all, of which those of who was silent longest go: a caller
 * can name itself anew each time. What is under way is never let go of for its bytes: it has none yet.
 * Whoever has been silent for longer than that window goes with the next request of anybody.
 */
export class ReplayCache {
  readonly #clock: Clock;
  /** In order of use: who was silent longest stands in front. */
  readonly #callers = new Map<string, Caller>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Callers of which it remembers answers. */
  get size(): number {
    return this.#callers.size;
  }

  /** About what all remembered answers take. */
  get bytes(): number {
    return this.#bytes;
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
    const entry = { expiresMs: caller.expiresMs, reply, bytes: ENTRY_BYTES };
    entries.set(id, entry);
    this.#bytes += ENTRY_BYTES;
    this.#measure(caller, id, entry);
    for (const oldest of entries.keys()) {
      if (entries.size <= REPLAY_LIMIT) break;
      this.#drop(caller, oldest);
    }
    return { reply, again: false };
  }

  /** The caller has gone: nobody will ask again. */
  forget(name: string): void {
    const caller = this.#callers.get(name);
    this.#callers.delete(name);
    for (const entry of caller?.entries.values() ?? []) this.#bytes -= entry.bytes;
    caller?.entries.clear();
  }

  #caller(name: string, now: number): Caller {
    const caller = this.#callers.get(name) ?? { entries: new Map<string, Entry>(), expiresMs: 0 };
    this.#callers.delete(name);
    this.#dropSilent(now);
    this.#callers.set(name, caller);
    // Insertion order is expiry order: the expired stand in front.
    for (const [id, entry] of caller.entries) {
      if (entry.expiresMs > now) break;
      this.#drop(caller, id);
    }
    return caller;
  }

  /** Counts an answer's text once it is there; whoever waits for it hears of its failure itself. */
  #measure(caller: Caller, id: string, entry: Entry): void {
    entry.reply.then(
      (reply) => {
        if (caller.entries.get(id) !== entry) return;
        const bytes = JSON.stringify(reply).length;
        entry.bytes += bytes;
        this.#bytes += bytes;
        this.#shrink();
      },
      () => undefined,
    );
  }

  #shrink(): void {
    for (const [name, caller] of this.#callers) {
      for (const [id, { bytes }] of caller.entries) {
        if (this.#bytes <= MAX_BYTES) return;
        if (bytes > ENTRY_BYTES) this.#drop(caller, id);
      }
      if (caller.entries.size === 0) this.#callers.delete(name);
    }
  }

  #drop(caller: Caller, id: string): void {
    this.#bytes -= caller.entries.get(id)?.bytes ?? 0;
    caller.entries.delete(id);
  }

  #dropSilent(now: number): void {
    for (const [name, { expiresMs }] of this.#callers) {
      if (expiresMs > now && this.#callers.size < MAX_CALLERS) return;
      this.forget(name);
    }
  }
}
