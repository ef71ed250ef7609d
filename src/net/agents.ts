import type { Agent as HttpAgent, AgentOptions, ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { checkServerIdentity, TLSSocket, type PeerCertificate, type SecureContext } from 'node:tls';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { SocksProxyAgent } from 'socks-proxy-agent';
import { authorityOf } from './peer.js';
import type { Proxy } from './proxy.js';
import { noteWay, PROXY_LOGIN, PROXY_REFUSED } from './way.js';

/** As the AWS SDK's own agents. */
const POOL = { keepAlive: true, maxSockets: 50 } as const satisfies AgentOptions;
/** A proxy that takes the connection and answers nothing would keep a socket for each try. */
const PROXY_ANSWER_MS = 30_000;

type Connect = HttpsProxyAgent<string>['connect'];
type Trust = { readonly secureContext?: SecureContext };

/** The agent for https without a proxy. */
export function directAgent(trust: Trust): HttpsAgent {
  return new DirectAgent({ ...POOL, ...trust });
}

/** The agent for requests through a proxy; each serves one protocol. */
export function proxyAgent(proxy: Proxy, protocol: 'http:' | 'https:', trust: Trust): HttpAgent {
  if (proxy.kind === 'socks') return new SocksAgent(proxy, protocol === 'https:', trust);
  if (protocol === 'https:') return new TunnelAgent(proxy, trust);
  // Not in the URL: what libraries print holds no password so.
  return new HttpProxyAgent(proxy.address, { ...POOL, ...trust, headers: loginHeader(proxy) });
}

class DirectAgent extends HttpsAgent {
  override createConnection(
    ...args: Parameters<HttpsAgent['createConnection']>
  ): ReturnType<HttpsAgent['createConnection']> {
    const socket = super.createConnection(...args);
    watchTrust(socket);
    return socket;
  }
}

/** Through an http or https proxy by CONNECT. */
class TunnelAgent extends HttpsProxyAgent<string> {
  readonly #trust: Trust;

  constructor(proxy: Proxy, trust: Trust) {
    super(proxy.address, { ...POOL, ...trust, headers: loginHeader(proxy) });
    this.#trust = trust;
  }

  /** The library would guess it from the stack. */
  override isSecureEndpoint(): boolean {
    return true;
  }

  override async connect(...[request, options]: Parameters<Connect>): ReturnType<Connect> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), PROXY_ANSWER_MS);
    // The library reads it before its first pause.
    const former = this.connectOpts;
    this.connectOpts = { ...former, signal: late.signal };
    const connecting = super.connect(request, behind(options, this.#trust));
    this.connectOpts = former;
    try {
      return watched(await connecting);
    } catch (thrown) {
      throw atProxy(thrown, late.signal.aborted ? 'ETIMEDOUT' : undefined);
    } finally {
      clearTimeout(timer);
    }
  }
}

class SocksAgent extends SocksProxyAgent {
  readonly #secure: boolean;
  readonly #trust: Trust;

  constructor({ address, login }: Proxy, secure: boolean, trust: Trust) {
    const url = new URL(address);
    url.username = encodeURIComponent(login?.user ?? '');
    url.password = encodeURIComponent(login?.password ?? '');
    super(url, POOL);
    this.#secure = secure;
    this.#trust = trust;
  }

  override isSecureEndpoint(): boolean {
    return this.#secure;
  }

  override async connect(request: ClientRequest, options: Parameters<Connect>[1]): ReturnType<Connect> {
    try {
      return watched(await super.connect(request, behind(options, this.#trust)));
    } catch (thrown) {
      throw atProxy(thrown, undefined);
    }
  }
}

/** TLS with what lies behind a proxy: the libraries forget an address that is no name, and would check for `localhost`. */
function behind(options: Parameters<Connect>[1], trust: Trust): Parameters<Connect>[1] {
  if (!options.secureEndpoint) return options;
  const host = options.host ?? '';
  return {
    ...options,
    ...trust,
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      checkServerIdentity(host, certificate),
  };
}

function loginHeader({ login }: Proxy): Record<string, string> {
  if (login === undefined) return {};
  const basic = Buffer.from(`${login.user}:${login.password}`).toString('base64');
  return { 'Proxy-Authorization': `Basic ${basic}` };
}

/** Another error in place of the library's, which may hold user and password. */
function atProxy(thrown: unknown, known: string | undefined): Error {
  const { code, message = '' } = thrown as { readonly code?: unknown; readonly message?: string };
  const told = known ?? (typeof code === 'string' ? code : codeIn(message));
  const error = Object.assign(new Error(`The connection to the proxy failed (${told})`), { code: told });
  noteWay(error, { atProxy: true });
  return error;
}

/** The socks library keeps the system's code in its sentence only. */
function codeIn(message: string): string {
  if (/authenticat|no accepted/i.test(message)) return PROXY_LOGIN;
  if (/timed out/i.test(message)) return 'ETIMEDOUT';
  return /\bE[A-Z]{4,}\b/.exec(message)?.[0] ?? PROXY_REFUSED;
}

function watched<S extends Duplex>(socket: S): S {
  watchTrust(socket);
  return socket;
}

/** Notes who signed a certificate that is not trusted: Node's error does not tell. */
function watchTrust(socket: Duplex | null | undefined): void {
  if (!(socket instanceof TLSSocket)) return;
  let issuer: string | undefined;
  // Before Node's own listener, which ends the connection.
  socket.prependOnceListener('secure', () => {
    issuer = authorityOf(socket.getPeerCertificate(true));
  });
  socket.prependOnceListener('error', (error: unknown) => {
    if (issuer !== undefined) noteWay(error, { issuer });
  });
}
