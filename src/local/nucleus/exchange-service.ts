import type { Clock, Json, Logger } from '../../core/mod.js';
import type { NucleusOptions, Profile } from './api/mod.js';
import type { Definition } from './definition.js';
import { TOKEN_EXCHANGE } from './resolve.js';
import type { Services } from './services.js';
import { TokenExchange } from './token-exchange.js';

/** The Java nucleus starts its services side by side: who does not wait for this one is quicker. */
const START_MS = 50;

export interface ExchangeServiceOptions {
  readonly profile: Profile;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly credentials: NucleusOptions['credentials'];
  readonly isKnownToken: (token: string) => boolean;
  readonly services: Services;
  /** Told of each new configuration of the service. */
  readonly changed: (configuration: Record<string, Json>) => void;
}

/**
 * The token exchange as a component of the nucleus.
 *
 * - On lite it is a unit that is there from the start; its address is told to whose own recipe depends on it.
 * - On the Java nucleus it starts with the first component that depends on it, beside those that do so SOFT: they get
 *   no address, or that of the time before the nucleus' last start. Once it is up everybody is told.
 */
export class ExchangeService {
  readonly #options: ExchangeServiceOptions;
  readonly #exchange: TokenExchange;
  readonly #closing = new AbortController();
  #published: string | undefined;
  #state: 'down' | 'starting' | 'up' = 'down';

  constructor(options: ExchangeServiceOptions) {
    this.#options = options;
    this.#exchange = new TokenExchange(options);
  }

  /** What stands in the environment of all on the Java nucleus. */
  get published(): string | undefined {
    return this.#published;
  }

  /** @param published what a former nucleus on this root told */
  async start(published: string | undefined): Promise<void> {
    this.#published = published;
    await this.#exchange.start();
    if (this.#options.profile === 'lite') this.#cameUp();
  }

  /** Asking is what starts it on the Java nucleus. */
  isUp(): boolean {
    if (this.#state === 'down') {
      this.#state = 'starting';
      const { clock } = this.#options;
      void clock.sleep(START_MS, this.#closing.signal).then(
        () => this.#cameUp(),
        () => undefined,
      );
    }
    return this.#state === 'up';
  }

  /** @param definition undefined for a process that no recipe started, which cannot name its dependencies */
  urlFor(definition: Definition | undefined): string | undefined {
    if (definition === undefined) return this.#exchange.url;
    if (this.#options.profile === 'nucleus') return this.#published;
    return definition.dependencies.has(TOKEN_EXCHANGE) ? this.#exchange.url : undefined;
  }

  async restart(): Promise<void> {
    await this.#exchange.close();
    const gone = this.#options.services.builtInWentAway(TOKEN_EXCHANGE);
    await this.#exchange.start();
    this.#cameUp();
    await gone;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#exchange.close();
  }

  #cameUp(): void {
    this.#state = 'up';
    this.#published = this.#exchange.url;
    this.#options.changed(this.#exchange.configuration);
    this.#options.services.wake();
  }
}
