import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Authorities } from './authorities.js';
import { directAgent, proxyAgent } from './agents.js';
import { proxyFor, type Environment, type Proxy } from './proxy.js';
import { noteWay, PROXY_LOGIN } from './way.js';

type Handle = NodeHttpHandler['handle'];
type Update = Parameters<NodeHttpHandler['updateHttpClientConfig']>;
type Port = Pick<
  NodeHttpHandler,
  'handle' | 'destroy' | 'metadata' | 'updateHttpClientConfig' | 'httpHandlerConfigs'
>;

/**
 * The way of the AWS SDK's requests out of this machine: for each request through the proxy that the environment names
 * for it, or none, trusting the authorities that were read. What is known of a failure's way stands beside the error
 * ({@link noteWay}).
 */
export class NetworkHandler implements Port {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #environment: Environment;
  readonly #authorities: Pick<Authorities, 'context'>;
  readonly #handlers = new Map<string, NodeHttpHandler>();
  readonly #updates: Update[] = [];

  constructor(environment: Environment, authorities: Pick<Authorities, 'context'>) {
    this.#environment = environment;
    this.#authorities = authorities;
  }

  async handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    const { protocol, hostname, port } = request;
    const isPlain = protocol === 'http:';
    const proxy = proxyFor(
      `${protocol}//${bracketed(hostname)}${port === undefined ? '' : `:${port}`}`,
      this.#environment,
    );
    try {
      const answer = await this.#handlerOf(proxy, isPlain ? 'http:' : 'https:').handle(request, options);
      if (proxy !== undefined && answer.response.statusCode === 407) {
        answer.response.body?.destroy?.();
        throw Object.assign(new Error('The proxy wants a user and a password'), { code: PROXY_LOGIN });
      }
      return answer;
    } catch (thrown) {
      if (proxy === undefined) throw thrown;
      const isLogin = (thrown as { readonly code?: unknown }).code === PROXY_LOGIN;
      // A plain request goes to the proxy alone.
      noteWay(thrown, { proxy: proxy.address, ...(isPlain || isLogin ? { atProxy: true } : {}) });
      throw thrown;
    }
  }

  updateHttpClientConfig(...update: Update): void {
    this.#updates.push(update);
    for (const handler of this.#handlers.values()) handler.updateHttpClientConfig(...update);
  }

  httpHandlerConfigs(): ReturnType<NodeHttpHandler['httpHandlerConfigs']> {
    const [first] = this.#handlers.values();
    return first?.httpHandlerConfigs() ?? {};
  }

  destroy(): void {
    for (const handler of this.#handlers.values()) handler.destroy();
    this.#handlers.clear();
  }

  #handlerOf(proxy: Proxy | undefined, protocol: 'http:' | 'https:'): NodeHttpHandler {
    const key = `${protocol} ${proxy?.address ?? ''}`;
    const known = this.#handlers.get(key);
    if (known !== undefined) return known;
    const made = new NodeHttpHandler(this.#agentsOf(proxy, protocol));
    for (const update of this.#updates) made.updateHttpClientConfig(...update);
    this.#handlers.set(key, made);
    return made;
  }

  #agentsOf(proxy: Proxy | undefined, protocol: 'http:' | 'https:') {
    const { context } = this.#authorities;
    const trust = context === undefined ? {} : { secureContext: context };
    if (proxy === undefined) return { httpsAgent: directAgent(trust) };
    const agent = proxyAgent(proxy, protocol, trust);
    // The https one is never asked by a handler for http; its type alone is wanted.
    return protocol === 'http:'
      ? { httpAgent: agent }
      : { httpsAgent: agent as ReturnType<typeof directAgent> };
  }
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
