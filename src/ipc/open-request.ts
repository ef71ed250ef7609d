import type { ReplyEnvelope } from '../contract/mod.js';
import { deferred, type Clock } from '../core/mod.js';

export interface OpenRequestOptions {
  readonly clock: Clock;
  /** Monotonic. */
  readonly deadlineMs: number;
  /** Without an answer it is sent again after so long, then after twice as long each time. */
  readonly resendAfterMs: number;
  /** Sends the request with what remains of its time. */
  readonly publish: (remainingMs: number) => Promise<void>;
}

/**
 * One request until its answer, under one id however often it is sent. It rests while the connection is away: what
 * became of a try from before says nothing then, and counts no more once there is a newer one.
 */
export class OpenRequest {
  readonly #options: OpenRequestOptions;
  readonly #answer = deferred<ReplyEnvelope>();
  #tries = 0;
  #cancelNext = (): void => undefined;

  constructor(options: OpenRequestOptions) {
    this.#options = options;
    // It may be refused before anybody waits for it.
    this.#answer.promise.catch(() => undefined);
  }

  /** The answer of the agent, or why there is none. */
  get answer(): Promise<ReplyEnvelope> {
    return this.#answer.promise;
  }

  /** Sends it now, and again where no answer comes. */
  send(): void {
    this.#sendAndRepeat(this.#options.resendAfterMs);
  }

  /** Sends it no more until it is told to. */
  rest(): void {
    this.#tries++;
    this.#cancelNext();
  }

  resolve(reply: ReplyEnvelope): void {
    this.rest();
    this.#answer.resolve(reply);
  }

  reject(error: Error): void {
    this.rest();
    this.#answer.reject(error);
  }

  #sendAndRepeat(nextMs: number): void {
    const { clock, deadlineMs, publish } = this.#options;
    this.rest();
    const remainingMs = deadlineMs - clock.monotonicMs();
    const thisTry = this.#tries;
    publish(remainingMs).catch((thrown: unknown) => {
      if (thisTry === this.#tries) this.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
    });
    if (nextMs >= remainingMs) return;
    this.#cancelNext = clock.after(nextMs, () => this.#sendAndRepeat(nextMs * 2));
  }
}
