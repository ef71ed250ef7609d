import type { OperationName, ReplyOf, RequestOf } from '../contract/mod.js';
import { EdgeError, retry, type Clock, type Random } from '../core/mod.js';
import type { Requester } from '../ipc/mod.js';
import type { CallOptions } from './types.js';

const BACKOFF = { leastMs: 10, baseMs: 50, capMs: 1000 };
const DEFAULT_TIMEOUT_MS = 10_000;

/** One try of a call. */
export interface Attempt {
  /** What remains of the call's time whenever it is asked for: one try may have several requests. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface CallsOptions {
  readonly requester: Pick<Requester, 'request'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly defaultTimeoutMs: number | undefined;
}

/** Requests of one client, each repeated while time remains and the answer is UNAVAILABLE. */
export class Calls {
  readonly #options: CallsOptions;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** One operation whose request and reply travel inline. */
  async call<Name extends OperationName>(
    name: Name,
    body: RequestOf<Name>,
    options: CallOptions,
  ): Promise<ReplyOf<Name>> {
    const { requester } = this.#options;
    return await this.repeat(options, (attempt) => requester.request(name, body, attempt));
  }

  /** Repeats what was UNAVAILABLE, with growing random pauses, until the call's time is up. */
  async repeat<T>(
    { timeoutMs = this.#options.defaultTimeoutMs ?? DEFAULT_TIMEOUT_MS, signal }: CallOptions,
    act: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const { clock, random } = this.#options;
    const endsAtMs = clock.monotonicMs() + timeoutMs;
    const worth = (thrown: unknown): boolean =>
      thrown instanceof EdgeError && thrown.code === 'UNAVAILABLE' && thrown.reason !== 'CLOSED';
    const attempt: Attempt = {
      get timeoutMs() {
        return Math.max(1, endsAtMs - clock.monotonicMs());
      },
      signal,
    };
    return await retry(async () => await act(attempt), {
      ...BACKOFF,
      clock,
      random,
      endsAtMs,
      signal,
      worth,
    });
  }
}
