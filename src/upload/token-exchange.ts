import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Type } from '@sinclair/typebox';
import { EdgeError, validate, within, type Clock } from '../core/mod.js';
import type { CredentialsSource, StoreCredentials } from './credentials.js';

/** Long enough for a core that must first fetch the credentials over a slow link. */
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** The service remembers an error for up to two minutes: asking earlier gives the same. */
const ANSWERED_MS = 120_000;
/** A service that is being started answers soon; who asks lengthens this from failure to failure. */
const SILENT_MS = 5_000;
const PATH = '/2016-11-01/credentialprovider/';
/** The token goes to this machine only, or over TLS. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const Keys = Type.Object({
  AccessKeyId: Type.String({ minLength: 1 }),
  SecretAccessKey: Type.String({ minLength: 1 }),
  Token: Type.Optional(Type.String()),
  Expiration: Type.Optional(Type.String()),
});

export interface TokenExchangeOptions {
  /** Where AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN stand, now. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * The port on which the nucleus says that the service listens now, which the environment cannot tell: it keeps the
   * one of the component's start. Undefined where the nucleus says nothing. Never rejects.
   */
  readonly port: () => Promise<number | undefined>;
  readonly clock: Clock;
}

/**
 * The token exchange service of a Greengrass core, asked once, where it is now. It may be away, move, or answer
 * anything: each of these is CREDENTIALS_UNAVAILABLE with one sentence that holds nothing of the answer, and
 * `retryAfterMs`.
 */
export function tokenExchange(options: TokenExchangeOptions): CredentialsSource {
  return async () => {
    const uri = await addressOf(options);
    const { environment, clock } = options;
    const giveUp = new AbortController();
    try {
      const asking = ask(uri, environment['AWS_CONTAINER_AUTHORIZATION_TOKEN'], giveUp.signal);
      return await within(clock, TIMEOUT_MS, asking, {
        late: () => silent(uri, `it has not answered within ${TIMEOUT_MS} ms`),
      });
    } finally {
      giveUp.abort();
    }
  };
}

async function addressOf({ environment, port }: TokenExchangeOptions): Promise<URL> {
  const given = environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '';
  const now = await port();
  if (given === '' && now === undefined) {
    throw unavailable('the token exchange service is not deployed, or has not begun yet', SILENT_MS, {
      nextStep: 'Deploy aws.greengrass.TokenExchangeService, which this component depends on',
    });
  }
  const text = given === '' ? `http://localhost${PATH}` : given;
  const uri = URL.canParse(text) ? new URL(text) : undefined;
  if (uri === undefined || (uri.protocol !== 'https:' && !LOOPBACK.test(uri.hostname))) {
    throw unavailable(
      'AWS_CONTAINER_CREDENTIALS_FULL_URI must be an address of this machine, or of https',
      ANSWERED_MS,
    );
  }
  if (now !== undefined && LOOPBACK.test(uri.hostname)) uri.port = String(now);
  return uri;
}

async function ask(uri: URL, token: string | undefined, signal: AbortSignal): Promise<StoreCredentials> {
  const handler = new NodeHttpHandler({ connectionTimeout: TIMEOUT_MS });
  try {
    const { response } = await handler.handle(requestOf(uri, token), { abortSignal: signal });
    const body = await textOf(response.body as AsyncIterable<Uint8Array>);
    if (response.statusCode !== 200) throw answered(uri, `it answered ${response.statusCode}`);
    return keysOf(uri, body);
  } catch (thrown) {
    if (thrown instanceof EdgeError) throw thrown;
    const { code } = thrown as { readonly code?: unknown };
    throw silent(
      uri,
      typeof code === 'string' ? `it does not answer (${code})` : 'it does not answer',
      thrown,
    );
  } finally {
    handler.destroy();
  }
}

function requestOf(uri: URL, token: string | undefined): Parameters<NodeHttpHandler['handle']>[0] {
  const request: Parameters<NodeHttpHandler['handle']>[0] = {
    method: 'GET',
    protocol: uri.protocol,
    hostname: uri.hostname,
    ...(uri.port === '' ? {} : { port: Number(uri.port) }),
    path: uri.pathname,
    query: Object.fromEntries(uri.searchParams),
    headers: token === undefined ? {} : { Authorization: token },
    clone: () => request,
  };
  return request;
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_ANSWER_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function keysOf(uri: URL, body: string): StoreCredentials {
  try {
    const keys = validate(Keys, JSON.parse(body) as unknown, 'Cannot read the keys');
    const expiration = keys.Expiration === undefined ? undefined : new Date(keys.Expiration);
    return {
      accessKeyId: keys.AccessKeyId,
      secretAccessKey: keys.SecretAccessKey,
      ...(keys.Token === undefined ? {} : { sessionToken: keys.Token }),
      ...(expiration === undefined || Number.isNaN(expiration.getTime()) ? {} : { expiration }),
    };
  } catch {
    // What was refused may quote the answer.
    throw answered(uri, 'it answered 200 without keys');
  }
}

function answered(uri: URL, what: string): EdgeError {
  return unavailable(`the token exchange service at ${uri.host} has none: ${what}`, ANSWERED_MS);
}

function silent(uri: URL, what: string, cause?: unknown): EdgeError {
  return unavailable(`the token exchange service at ${uri.host} is away: ${what}`, SILENT_MS, { cause });
}

function unavailable(
  why: string,
  retryAfterMs: number,
  { nextStep = 'Check the role alias of this core device and that its role may be assumed', cause }: Why = {},
): EdgeError {
  return new EdgeError('CREDENTIALS_UNAVAILABLE', `Cannot get credentials as ${why}`, {
    retryAfterMs,
    nextStep,
    ...(cause === undefined ? {} : { cause }),
  });
}

interface Why {
  readonly nextStep?: string;
  readonly cause?: unknown;
}
