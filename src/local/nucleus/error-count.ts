import type { Profile } from './api/mod.js';

/** Errors within this time add up. */
const WINDOW_MS = 3_600_000;
const MAX_ERRORS = 3;

/**
 * When a component is BROKEN: at its third error within an hour. The Java nucleus counts by the state that failed and
 * forgets a state's errors when it is left well, so a service that fails now in one, now in another goes on; nucleus
 * lite counts starts, however far they came.
 */
export class ErrorCount {
  readonly #profile: Profile;
  readonly #errorsAtMs = new Map<string, number[]>();

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  /** @returns whether this error breaks the component */
  add(state: 'NEW' | 'STARTING' | 'RUNNING', nowMs: number): boolean {
    const key = this.#profile === 'lite' && state !== 'NEW' ? 'start' : state;
    const recent = (this.#errorsAtMs.get(key) ?? []).filter((atMs) => nowMs - atMs < WINDOW_MS);
    recent.push(nowMs);
    this.#errorsAtMs.set(key, recent);
    return recent.length >= MAX_ERRORS;
  }

  /** The state was left without an error. */
  passed(state: 'NEW' | 'STARTING' | 'RUNNING'): void {
    if (this.#profile === 'nucleus') this.#errorsAtMs.delete(state);
  }

  clear(): void {
    this.#errorsAtMs.clear();
  }
}
