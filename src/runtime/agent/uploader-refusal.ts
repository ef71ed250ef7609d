import { REFUSAL_REPEAT_MS, type Trouble } from '../../contract/mod.js';
import type { Clock } from '../../core/mod.js';

/** So many repetitions may be lost before an uploader counts as gone. */
const FORGET_MS = 6 * REFUSAL_REPEAT_MS;

/** Why the uploader's newest configuration is not in force, as long as an uploader says so. */
export class UploaderRefusal {
  readonly #clock: Clock;
  #heard: { readonly refusal: Trouble; readonly ms: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get current(): Trouble | undefined {
    const heard = this.#heard;
    return heard !== undefined && this.#clock.monotonicMs() - heard.ms < FORGET_MS
      ? heard.refusal
      : undefined;
  }

  /** @param refusal null: its newest configuration is in force */
  hear(refusal: Trouble | null): void {
    this.#heard = refusal === null ? undefined : { refusal, ms: this.#clock.monotonicMs() };
  }
}
