import type { Clock } from '../../../core/mod.js';

/** Greengrass keeps its successful answers as long. */
const KEPT_MS = 8 * 3_600_000;

/** Answers by client token: whoever asks again with the same token gets the same answer, whatever else he asks. */
export class AnswersByToken<Answer> {
  readonly #clock: Clock;
  readonly #answers = new Map<string, { readonly answer: Answer; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param token undefined: each call is one of its own. What throws is not kept. */
  of(token: string | undefined, make: () => Answer): Answer {
    if (token === undefined) return make();
    const now = this.#clock.wallMs();
    for (const [old, { atMs }] of this.#answers) {
      if (atMs > now - KEPT_MS) break;
      this.#answers.delete(old);
    }
    const known = this.#answers.get(token);
    if (known !== undefined) return known.answer;
    const answer = make();
    this.#answers.set(token, { answer, atMs: now });
    return answer;
  }
}
