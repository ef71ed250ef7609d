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
/** The token exchange service remembers an error for up to two minutes: asking earlier gives the same. */
const ERROR_CACHE_MS = 120_000;
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
      return credentials;
    } catch (cause) {
      // The source's own sentence may quote an answer's body: it stays in the cause, which logs do not print.
      const error = new EdgeError(
        'CREDENTIALS_UNAVAILABLE',
        'Cannot get credentials from the token exchange service',
        {
          retryAfterMs: ERROR_CACHE_MS,
          nextStep: 'Check the role alias of this core device and that its role may be assumed',
          cause,
        },
      );
      this.#failed = { error, untilMs: this.#clock.monotonicMs() + ERROR_CACHE_MS };
      throw error;
    }
  }

  #fresh(held: { readonly credentials: StoreCredentials; readonly atMs: number }, nowMs: number): boolean {
    const { expiration } = held.credentials;
    if (expiration === undefined || nowMs - held.atMs < LEAST_LIFE_MS) return true;
    return expiration.getTime() - this.#clock.wallMs() > REFRESH_BEFORE_MS;
  }
}
