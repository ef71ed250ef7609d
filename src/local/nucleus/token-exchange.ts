import { loopbackServer, type HttpRequest, type HttpResponse, type LoopbackServer } from '../http/mod.js';
import { messageOf, type Json, type Logger } from '../../core/mod.js';
import type { DeviceCredentials, Profile } from './api/mod.js';

const CREDENTIALS_PATH = '/2016-11-01/credentialprovider/';
const TOKEN_CHARACTERS = 16;

export interface TokenExchangeOptions {
  readonly profile: Profile;
  readonly isKnownToken: (token: string) => boolean;
  readonly credentials: (() => Promise<DeviceCredentials>) | undefined;
  readonly logger: Logger;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What the service says to one request, before it asks for credentials; undefined: it is in order. */
type Objection = (request: HttpRequest, isKnownToken: (token: string) => boolean) => Answer | undefined;

const says = (status: number, body: string): Answer => ({ status, body });

/** Word for word as test/data/nuclei has it. */
const OBJECTIONS: Readonly<Record<Profile, Objection>> = {
  nucleus: ({ url, method, headers }, isKnownToken) => {
    if (url !== CREDENTIALS_PATH) return says(404, '<h1>404 Not Found</h1>No context found for request');
    if (method !== 'GET') return says(405, '');
    return isKnownToken(headers.authorization ?? '') ? undefined : says(403, '');
  },
  lite: ({ url, headers: { authorization } }, isKnownToken) => {
    if (url !== CREDENTIALS_PATH) return says(400, `Only ${CREDENTIALS_PATH} uri is supported.`);
    if (authorization === undefined) {
      return says(400, 'Authorization header is needed to process the request.');
    }
    if (authorization.length !== TOKEN_CHARACTERS) return says(400, 'SVCUID length must be exactly 16.');
    return isKnownToken(authorization) ? undefined : says(404, 'No such svcuid present.');
  },
};

/** What the service says where the cloud gives no credentials: lite's answer looks like a success. */
const NO_CREDENTIALS: Readonly<Record<Profile, (reason: string) => Answer>> = {
  nucleus: (reason) => says(500, `TES responded with status code: 500. Caching response. ${reason}`),
  lite: () => says(200, 'null'),
};

/**
 * The token exchange service, as the container credentials provider of the AWS SDKs reads it. Both nuclei take another
 * port at each of its starts, and tell it in the service's configuration; a component's environment keeps the one of
 * the component's own start.
 */
export class TokenExchange {
  readonly #options: TokenExchangeOptions;
  #server: LoopbackServer | undefined;
  #port = 0;

  constructor(options: TokenExchangeOptions) {
    this.#options = options;
  }

  /** What goes into AWS_CONTAINER_CREDENTIALS_FULL_URI. */
  get url(): string {
    return `http://localhost:${this.#port}${CREDENTIALS_PATH}`;
  }

  /** What the nucleus shows of it: lite has text. */
  get configuration(): Record<string, Json> {
    return this.#options.profile === 'lite'
      ? { port: String(this.#port) }
      : { port: 0, activePort: this.#port };
  }

  async start(): Promise<void> {
    const former = this.#port;
    do {
      await this.#server?.close();
      this.#server = loopbackServer((request, response) => this.#serve(request, response));
      this.#port = await this.#server.listen(0);
    } while (this.#port === former);
  }

  async close(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  async #serve(request: HttpRequest, response: HttpResponse): Promise<void> {
    const { status, body } = await this.#answer(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  }

  async #answer(request: HttpRequest): Promise<Answer> {
    const { profile, isKnownToken, credentials, logger } = this.#options;
    const objection = OBJECTIONS[profile](request, isKnownToken);
    if (objection !== undefined) return objection;
    try {
      if (credentials === undefined) throw new Error('This device has no credentials');
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await credentials();
      const keys = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken };
      return says(200, JSON.stringify({ ...keys, Expiration: expiration.toISOString() }));
    } catch (error) {
      logger.warn('The token exchange has no credentials now', { reason: messageOf(error) });
      return NO_CREDENTIALS[profile](messageOf(error));
    }
  }
}
