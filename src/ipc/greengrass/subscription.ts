import { EdgeError, messageOf, retry, within, type Clock, type Logger, type Random } from '../../core/mod.js';
import { translateIpcError } from './ipc-errors.js';
import type { Client, Link } from './link.js';

/** What the device client makes of a subscription. */
export interface Operation {
  activate(): Promise<unknown>;
  close(): Promise<void>;
  on(event: 'streamError', listener: (error: Error) => void): unknown;
  on(event: 'ended', listener: () => void): unknown;
}

export type OpenStream = (client: Client) => Operation;

export interface SubscriptionOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly action: string;
  readonly open: OpenStream;
}

/** A refusal is mended by people: a deployment that allows the topic. */
const REFUSED_BACKOFF = { baseMs: 5000, capMs: 300_000 };
const ACTIVATE_MS = 10_000;
/** The refusal's words follow its end at once, or never. */
const WORDS_MS = 200;
const CLOSE_MS = 1000;

/** One topic, over all connections. */
export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #ending = new AbortController();
  #current: Operation | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  /** Resolves when the nucleus has accepted it on this connection. */
  async open(client: Client): Promise<void> {
    this.#current = undefined;
    const { clock, logger, open } = this.#options;
    const operation = open(client);
    operation.on('streamError', (error) =>
      logger.warn('A Greengrass stream failed', { reason: messageOf(error) }),
    );
    // One that fails is closed by the device client: closing it before its answer corrupts native memory.
    await activated(operation, clock);
    if (this.#ending.signal.aborted) await this.#close(operation);
    else this.#current = operation;
  }

  /** Tells that it was refused, and asks again for as long as the connection lives. */
  keepTrying(link: Link, refusal: unknown): void {
    const { clock, random, logger, action } = this.#options;
    const tell = (thrown: unknown): void =>
      logger.error('A Greengrass subscription is refused: it is tried again later', {
        reason: translateIpcError(thrown, action).message,
      });
    const isOver = (): boolean => link.signal.aborted || this.#ending.signal.aborted;
    tell(refusal);
    const signal = AbortSignal.any([link.signal, this.#ending.signal]);
    const trying = async (): Promise<void> => {
      await clock.sleep(REFUSED_BACKOFF.baseMs, signal);
      await retry(
        async () =>
          await within(
            clock,
            ACTIVATE_MS,
            link.run((client) => this.open(client)),
          ),
        {
          clock,
          random,
          ...REFUSED_BACKOFF,
          leastMs: REFUSED_BACKOFF.baseMs,
          signal,
          worth: () => !isOver(),
          onPause: ({ thrown, attempt }) => {
            if (attempt % 10 === 0) tell(thrown);
          },
        },
      );
      logger.info('A Greengrass subscription is accepted again', { action });
    };
    trying().catch((thrown: unknown) =>
      logger.debug('A subscription is no longer tried', { reason: messageOf(thrown) }),
    );
  }

  /** The connection is going: nothing is closed by itself. */
  forget(): void {
    this.#ending.abort(new EdgeError('CLOSED', 'The subscription has ended'));
    this.#current = undefined;
  }

  async end(): Promise<void> {
    const operation = this.#current;
    this.forget();
    if (operation !== undefined) await this.#close(operation);
  }

  async #close(operation: Operation): Promise<void> {
    await within(this.#options.clock, CLOSE_MS, operation.close()).catch(() => undefined);
  }
}

/** Where the nucleus ends a stream at once the device client's promise may never settle. */
async function activated(operation: Operation, clock: Clock): Promise<void> {
  const ended = new Promise<never>((_resolve, reject) => {
    operation.on('ended', () => {
      const refused = new EdgeError('NUCLEUS_REFUSED', 'The nucleus ended the subscription at once');
      clock.after(WORDS_MS, () => reject(refused), { unref: true });
    });
  });
  await Promise.race([operation.activate(), ended]);
}
