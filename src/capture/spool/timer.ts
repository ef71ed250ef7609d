import type { Clock } from '../../core/mod.js';

/** Something that is due a while after it was asked for; asking again meanwhile changes nothing. Keeps no process alive if `unref`. */
export class Timer {
  readonly #clock: Clock;
  readonly #onRing: () => void;
  readonly #options: { readonly unref?: boolean };
  #cancel: (() => void) | undefined;
  #hasRung = false;

  constructor(clock: Clock, onRing: () => void, options: { readonly unref?: boolean } = {}) {
    this.#clock = clock;
    this.#onRing = onRing;
    this.#options = options;
  }

  /** True from when it is due until it is stopped. */
  get hasRung(): boolean {
    return this.#hasRung;
  }

  start(ms: number): void {
    if (this.#hasRung) return;
    this.#cancel ??= this.#clock.after(
      ms,
      () => {
        this.ring();
        this.#onRing();
      },
      this.#options,
    );
  }

  /** It is due now. */
  ring(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#hasRung = true;
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#hasRung = false;
  }
}
