import {
  EdgeError,
  messageOf,
  retry,
  type Clock,
  type Json,
  type JsonObject,
  type Logger,
  type Random,
} from '../../core/mod.js';
import { translateIpcError } from './ipc-errors.js';
import type { Link, NucleusStream } from './link.js';

/** What is asked for on each connection, and who hears what comes of it. */
export interface Wanted {
  /** Such as `SubscribeToTopic`. */
  readonly operation: string;
  readonly request: JsonObject;
  readonly onEvent: (body: Json) => void;
}

export interface SubscriptionOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly action: string;
  readonly wanted: Wanted;
}

/** A refusal is mended by people: a deployment that allows the topic. */
const REFUSED_BACKOFF = { baseMs: 5000, capMs: 300_000 };

/** One topic, over all connections. */
export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #ending = new AbortController();
  #current: NucleusStream | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  /** Resolves when the nucleus has accepted it on this connection. */
  async open(link: Link): Promise<void> {
    this.#current = undefined;
    const { operation, request, onEvent } = this.#options.wanted;
    const onEnd = (): void =>
      this.keepTrying(link, new EdgeError('NUCLEUS_REFUSED', 'The nucleus ended the subscription'));
    const stream = link.open(operation, request, { onEvent, onEnd });
    await stream.opened;
    if (this.#ending.signal.aborted) await stream.close();
    else this.#current = stream;
  }

  /** Tells that it was refused, and asks again for as long as the connection lives. */
  keepTrying(link: Link, refusal: unknown): void {
    const { clock, random, logger, action } = this.#options;
    const tell = (thrown: unknown): void =>
      logger.error('A Greengrass subscription is refused: it is tried again later', {
        reason: translateIpcError(thrown, action).message,
      });
    tell(refusal);
    const signal = AbortSignal.any([link.signal, this.#ending.signal]);
    const trying = async (): Promise<void> => {
      await clock.sleep(REFUSED_BACKOFF.baseMs, signal);
      await retry(async () => await this.open(link), {
        clock,
        random,
        ...REFUSED_BACKOFF,
        leastMs: REFUSED_BACKOFF.baseMs,
        signal,
        worth: () => !signal.aborted,
        onPause: ({ thrown, attempt }) => {
          if (attempt % 10 === 0) tell(thrown);
        },
      });
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

  /** Resolves when all that came for it is heard. Never rejects. */
  async end(): Promise<void> {
    const stream = this.#current;
    this.forget();
    await stream?.close();
  }
}
