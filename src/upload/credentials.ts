import { EdgeError, type Clock } from '../core/mod.js';

/** Keys for signing, as the token exchange service hands them out. */
export interface StoreCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export type CredentialsSource = () => Promise<StoreCredentials>;

/** Keys are renewed this long before they expire, as the token exchange service does. */
const REFRESH_BEFORE_MS = 5 * 60_000;
/** Between two questions after failures in a row, at most; also for a source that names no wait. */
const MOST_PAUSE_MS = 120_000;
/** A device's clock may be years ahead: keys that were just handed out are used whatever their date says. */
const LEAST_LIFE_MS = 60_000;

/**
 * Remembers credentials and errors of a source. {@link invalidate} is called once for each answer of a store
 * that it does not know the keys (any more): the next call then asks the source, once, for all who wait.
 */
export class CachedCredentials {
  readonly #source: CredentialsSource;
  readonly #clock: Clock;
  #held: { readonly credentials: StoreCredentials; readonly atMs: number } | undefined;
  #failed: { readonly error: EdgeError; readonly untilMs: number } | undefined;
  #failures = 0;
  #asking: Promise<StoreCredentials> | undefined;

  constructor(source: CredentialsSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** Valid credentials as far as this device knows. Throws UNAVAILABLE with `retryAfterMs`. */
  async get(): Promise<StoreCredentials> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#held !== undefined && this.#fresh(this.#held, nowMs)) return this.#held.credentials;
    if (this.#failed !== undefined && nowMs < this.#failed.untilMs) {
      const { error, untilMs } = this.#failed;
      throw new EdgeError(error.reason, error.message, { cause: error.cause, retryAfterMs: untilMs - nowMs });
    }
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return await this.#asking;
  }

  /** The store refused these keys: forgets them, unless others have taken their place already. */
  invalidate(accessKeyId: string): void {
    if (this.#held?.credentials.accessKeyId === accessKeyId) this.#held = undefined;
  }

  async #ask(): Promise<StoreCredentials> {
    try {
      const credentials = await this.#source();
      this.#held = { credentials, atMs: this.#clock.monotonicMs() };
      this.#failed = undefined;
      this.#failures = 0;
      return credentials;
    } catch (cause) {
      const pauseMs = this.#pauseMs(cause);
      const error = unavailable(cause, pauseMs);
      this.#failed = { error, untilMs: this.#clock.monotonicMs() + pauseMs };
      throw error;
    }
  }

  /** What the source asks for, twice as long at each failure in a row. */
  #pauseMs(thrown: unknown): number {
    const askedMs = (thrown instanceof EdgeError ? thrown.retryAfterMs : undefined) ?? MOST_PAUSE_MS;
    return Math.min(MOST_PAUSE_MS, askedMs * 2 ** Math.min(10, this.#failures++));
  }

  #fresh(held: { readonly credentials: StoreCredentials; readonly atMs: number }, nowMs: number): boolean {
    const { expiration } = held.credentials;
    if (expiration === undefined || nowMs - held.atMs < LEAST_LIFE_MS) return true;
    return expiration.getTime() - this.#clock.wallMs() > REFRESH_BEFORE_MS;
  }
}

function unavailable(thrown: unknown, retryAfterMs: number): EdgeError {
  if (thrown instanceof EdgeError && thrown.reason === 'CREDENTIALS_UNAVAILABLE') {
    const { message, nextStep, cause } = thrown;
    return new EdgeError('CREDENTIALS_UNAVAILABLE', message, {
      retryAfterMs,
      ...(nextStep === undefined ? {} : { nextStep }),
      cause,
    });
  }
  // A stranger's sentence may quote an answer's body: it stays in the cause, which logs do not print.
  return new EdgeError('CREDENTIALS_UNAVAILABLE', 'Cannot get credentials from the token exchange service', {
    retryAfterMs,
    cause: thrown,
  });
}
