import {
  EdgeError,
  endsWithin,
  fullJitterMs,
  Listeners,
  messageOf,
  retry,
  type Clock,
  type Logger,
  type Random,
} from '../../core/mod.js';
import type { ConnectionState } from '../mod.js';
import { Deafness } from './deafness.js';
import type { Identity } from './identity.js';
import { translateIpcError } from './ipc-errors.js';
import { Link } from './link.js';
import { Subscription, type Wanted } from './subscription.js';

/**
 * A nucleus that is back is found within a second: callers of this component, and what this one asks for, wait until
 * both are. A try is one call of the kernel, and costs next to nothing where the nucleus is away for hours.
 */
const BACKOFF = { baseMs: 200, capMs: 1000 };
/** A process that stood still itself has answers waiting in its socket: they get a moment. */
const LAST_WORD_MS = 1000;
/** Whoever closes gets the answers to what it asked before, and may go on asking. */
const LAST_ANSWERS_MS = 2000;

export interface SessionOptions {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * One connection at any time, made anew by one loop when it is lost. It counts as there when every subscription has
 * been asked for on it; what was begun of one that is lost meanwhile is undone before the next try.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #subscriptions = new Set<Subscription>();
  readonly #listeners = new Listeners<[state: ConnectionState, cause?: Error]>();
  readonly #closing = new AbortController();
  readonly #deafness: Deafness;
  #link: Link | undefined;
  #reconnecting: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#deafness = new Deafness(options.clock, options.logger);
  }

  get deafSeconds(): number {
    return this.#deafness.totalSeconds;
  }

  /** @throws EdgeError UNAVAILABLE or PERMISSION_DENIED */
  async connectFirst(): Promise<void> {
    await this.#open();
  }

  onConnection(listener: (state: ConnectionState, cause?: Error) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** @throws EdgeError what the nucleus said, or why it said nothing */
  async call<T>(action: string, run: (link: Link) => Promise<T>): Promise<T> {
    this.#closing.signal.throwIfAborted();
    const link = this.#link;
    if (link === undefined) {
      throw new EdgeError('CONNECTION_LOST', `${action} as Greengrass IPC is not connected`, {
        retryAfterMs: 1000,
      });
    }
    const heardBytes = link.heardBytes;
    try {
      return await run(link);
    } catch (thrown) {
      if (thrown instanceof EdgeError && thrown.reason === 'NO_REPLY')
        void this.#doubt(link, heardBytes, thrown);
      throw translateIpcError(thrown, action);
    }
  }

  /**
   * Nucleus lite 2.6.0 can lock itself up: its connections stay open, and nobody is answered any more. What is open
   * and says nothing is lost like one that was closed: only then is it told, counted and looked for.
   */
  async #doubt(link: Link, heardBytes: number, cause: EdgeError): Promise<void> {
    await this.#options.clock.sleep(LAST_WORD_MS, this.#closing.signal).catch(() => undefined);
    if (link.heardBytes === heardBytes && !this.#closing.signal.aborted) link.lose(cause);
  }

  /** Resolves when the nucleus has accepted it; opened on every later connection anew. @returns ends it */
  async subscribe(action: string, wanted: Wanted): Promise<() => Promise<void>> {
    // Whoever subscribes while the connection is away waits for it.
    await this.#reconnecting;
    const subscription = new Subscription({ ...this.#options, action, wanted });
    await this.call(action, async (link) => await subscription.open(link));
    this.#subscriptions.add(subscription);
    return async () => {
      this.#subscriptions.delete(subscription);
      await subscription.end();
    };
  }

  /** What was asked before is answered first, as long as the nucleus goes on answering. Always settles. */
  async close(): Promise<void> {
    if (this.#link !== undefined) await endsWithin(this.#options.clock, LAST_ANSWERS_MS, this.#link.settle());
    if (this.#closing.signal.aborted) return;
    const closed = new EdgeError('CLOSED', 'The connection to Greengrass was closed');
    this.#closing.abort(closed);
    this.#deafness.end();
    const link = this.#link;
    this.#link = undefined;
    for (const subscription of this.#subscriptions) subscription.forget();
    await this.#reconnecting;
    await link?.close(closed);
  }

  async #open(): Promise<void> {
    const { signal } = this.#closing;
    const { identity, clock } = this.#options;
    const link = new Link(await identity.enter({ clock, signal }), clock);
    // Whoever closes does not wait for answers to subscriptions.
    const giveUp = (): void => link.lose(new Error('The component closes'));
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await Promise.all(
        [...this.#subscriptions].map(async (subscription) => await this.#reopen(subscription, link)),
      );
      signal.throwIfAborted();
      link.signal.throwIfAborted();
    } catch (thrown) {
      await link.close(new EdgeError('CONNECTION_LOST', 'The connection was given up', { cause: thrown }));
      throw thrown;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
    this.#link = link;
    link.signal.addEventListener('abort', () => this.#lost(link), { once: true });
  }

  /** A refused one costs nothing but itself, and is asked for again later. */
  async #reopen(subscription: Subscription, link: Link): Promise<void> {
    try {
      await subscription.open(link);
    } catch (thrown) {
      link.signal.throwIfAborted();
      this.#closing.signal.throwIfAborted();
      subscription.keepTrying(link, thrown);
    }
  }

  #lost(link: Link): void {
    if (this.#link !== link || this.#closing.signal.aborted) return;
    this.#link = undefined;
    const cause = link.signal.reason as EdgeError;
    this.#options.logger.warn('Greengrass IPC lost', { reason: messageOf(cause.cause ?? cause) });
    this.#deafness.begin();
    this.#reconnecting = this.#reconnect();
    this.#listeners.tell('lost', cause);
  }

  /** All components of a nucleus that restarts lose it at the same moment. Never rejects. */
  async #reconnect(): Promise<void> {
    const { clock, random, logger } = this.#options;
    const { signal } = this.#closing;
    try {
      await clock.sleep(fullJitterMs(1, BACKOFF, random), signal);
      await retry((attempt) => this.#tryToOpen(attempt), {
        clock,
        random,
        ...BACKOFF,
        signal,
        worth: () => !signal.aborted,
        onPause: ({ thrown, attempt }) => {
          // A line per attempt would fill the flash of a device whose nucleus is away for days.
          if (attempt > 2 && attempt % 500 !== 0) return;
          logger.warn('Greengrass IPC is not there yet', { attempt, reason: messageOf(thrown) });
        },
      });
    } catch (thrown) {
      // Only closing ends the tries.
      logger.debug('No longer connecting to Greengrass', { reason: messageOf(thrown) });
    }
  }

  async #tryToOpen(attempt: number): Promise<void> {
    try {
      await this.#open();
    } catch (thrown) {
      const isRefused = thrown instanceof EdgeError && thrown.code === 'PERMISSION_DENIED';
      if (isRefused && !this.#closing.signal.aborted) this.#listeners.tell('refused', thrown);
      throw thrown;
    }
    this.#reconnecting = undefined;
    const deafSeconds = this.#deafness.end();
    this.#options.logger.info('Greengrass IPC connected', { attempt, deafSeconds });
    this.#listeners.tell('regained');
  }
}
