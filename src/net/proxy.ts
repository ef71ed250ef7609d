import { EdgeError } from '../core/mod.js';
import { isExempt, isLoopback } from './no-proxy.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A proxy that requests go through. */
export interface Proxy {
  readonly kind: 'http' | 'socks';
  /** Without user and password, for agents as for sentences, such as `http://proxy:3128`. */
  readonly address: string;
  /** In no log, no sentence and no URL. */
  readonly login?: { readonly user: string; readonly password: string };
  /** The variable that names it. */
  readonly variable: string;
}

/** Protocols by what speaks them; `socks5` asks this machine's DNS, `socks5h` and `socks` the proxy's. */
const KINDS: ReadonlyMap<string, Proxy['kind']> = new Map([
  ['http:', 'http'],
  ['https:', 'http'],
  ['socks:', 'socks'],
  ['socks4:', 'socks'],
  ['socks4a:', 'socks'],
  ['socks5:', 'socks'],
  ['socks5h:', 'socks'],
]);
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * The proxy for a request, by HTTPS_PROXY or HTTP_PROXY, else ALL_PROXY, and NO_PROXY, each in both spellings; the
 * small one goes first, as with curl. Undefined: none. What lies on this machine is never asked through a proxy.
 * @throws EdgeError ENVIRONMENT_UNFIT where the variable's value is no proxy; the value itself is not told
 */
export function proxyFor(url: string, environment: Environment): Proxy | undefined {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (isLoopback(host)) return undefined;
  const found =
    variableOf(protocol === 'https:' ? 'https_proxy' : 'http_proxy', environment) ??
    variableOf('all_proxy', environment);
  if (found === undefined) return undefined;
  const noProxy = variableOf('no_proxy', environment)?.value ?? '';
  const target = { host, port: port === '' ? (DEFAULT_PORTS[protocol] ?? '') : port };
  return isExempt(target, noProxy) ? undefined : proxyOf(found.name, found.value);
}

/** Every proxy that the environment names can be read. @throws as {@link proxyFor} */
export function checkProxies(environment: Environment): void {
  for (const name of ['https_proxy', 'http_proxy', 'all_proxy']) {
    const found = variableOf(name, environment);
    if (found !== undefined) proxyOf(found.name, found.value);
  }
}

function variableOf(
  name: string,
  environment: Environment,
): { readonly name: string; readonly value: string } | undefined {
  for (const spelling of [name, name.toUpperCase()]) {
    const value = environment[spelling]?.trim() ?? '';
    if (value !== '') return { name: spelling, value };
  }
  return undefined;
}

function proxyOf(variable: string, value: string): Proxy {
  const text = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (!URL.canParse(text)) throw unfit(variable, 'its value is no URL');
  const { protocol, host, username, password } = new URL(text);
  const kind = KINDS.get(protocol);
  if (kind === undefined) throw unfit(variable, `it speaks ${protocol.slice(0, -1)}`);
  if (host === '') throw unfit(variable, 'its value names no host');
  const address = `${protocol}//${host}`;
  if (username === '' && password === '') return { kind, address, variable };
  return {
    kind,
    address,
    variable,
    login: { user: decoded(variable, username), password: decoded(variable, password) },
  };
}

function decoded(variable: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw unfit(variable, 'user or password hold a % that begins no escape');
  }
}

function unfit(variable: string, why: string): EdgeError {
  return new EdgeError('ENVIRONMENT_UNFIT', `Cannot use the proxy that ${variable} names as ${why}`, {
    nextStep: `Set ${variable} to http://, https:// or socks5://, then [user:password@]host:port, with % for special characters`,
  });
}
