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
  /** Answers that an earlier request under the same id may still get, which say that no message holds its reply. */
  readonly stale: number;
}

/**
 * One request until its answer, under one id however often it is sent. It rests while the connection is away: what
 * became of a try from before says nothing then, and counts no more once there is a newer one.
 */
export class OpenRequest {
  readonly #options: OpenRequestOptions;
  readonly #answer = deferred<ReplyEnvelope>();
  #tries = 0;
  #sent = 0;
  #stale: number;
  #cancelNext = (): void => undefined;

  constructor(options: OpenRequestOptions) {
    this.#options = options;
    this.#stale = options.stale;
    // It may be refused before anybody waits for it.
    this.#answer.promise.catch(() => undefined);
  }

  /** The answer of the agent, or why there is none. */
  get answer(): Promise<ReplyEnvelope> {
    return this.#answer.promise;
  }

  /** How often it was sent. */
  get sent(): number {
    return this.#sent;
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
    if (!reply.ok && reply.error.reason === 'REPLY_TOO_LARGE' && this.#stale-- > 0) return;
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
    this.#sent++;
    publish(remainingMs).catch((thrown: unknown) => {
      if (thisTry === this.#tries) this.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
    });
    if (nextMs >= remainingMs) return;
    this.#cancelNext = clock.after(nextMs, () => this.#sendAndRepeat(nextMs * 2));
  }
}
