import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { S3Credentials } from '../../src/local/cloud/s3/mod.js';

/** What a sick service does: an answer, no answer at all, one that does not end, or a cut connection. */
export type ExchangeMood =
  | { readonly kind: 'well' }
  | { readonly kind: 'answers'; readonly status: number; readonly body: string }
  | { readonly kind: 'hangs' }
  | { readonly kind: 'hangs in its answer' }
  | { readonly kind: 'cuts' };

/** A token exchange service that a test can let expire, fail and refuse. Each answer has new keys. */
export interface TokenExchangeStub extends AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
  /** Requests so far. */
  readonly requests: readonly { readonly status: number; readonly atMs: number }[];
  /** All secrets ever handed out, and the token: none may appear in a log. */
  readonly secrets: readonly string[];
  /** For the local S3: the keys as far as they are valid now. */
  find(accessKeyId: string): S3Credentials | undefined;
  /** Answers this status until told otherwise; 200 is the ordinary course. */
  setStatus(status: number): void;
  /** Does this until told otherwise. */
  setMood(mood: ExchangeMood): void;
  /** The keys handed out so far are expired from now on. */
  expireAll(): void;
  /** Where it listens now. */
  readonly port: number;
  /** Ends it: nothing listens any more. */
  die(): Promise<void>;
  /** Starts it again, on another port, as lite does; what it was told by the environment is stale then. */
  rise(): Promise<void>;
}

/** The words of lite's service to a token that it does not know. */
export const UNKNOWN_TOKEN: ExchangeMood = {
  kind: 'answers',
  status: 404,
  body: 'No such svcuid present.',
};

export async function startTokenExchangeStub(nowMs: () => number): Promise<TokenExchangeStub> {
  const token = 'stub-authorization-token-0123456789';
  const keys = new Map<string, { credentials: S3Credentials; expired: boolean }>();
  const requests: { status: number; atMs: number }[] = [];
  const secrets = [token];
  let mood: ExchangeMood = { kind: 'well' };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const isKnown = request.headers.authorization === token;
    const status = !isKnown ? 403 : mood.kind === 'answers' ? mood.status : 200;
    requests.push({ status, atMs: nowMs() });
    if (isKnown && mood.kind === 'hangs') return;
    if (isKnown && mood.kind === 'cuts') return void request.socket.destroy();
    response.statusCode = status;
    if (!isKnown) return void response.end(JSON.stringify({ Message: `not now, ${token}` }));
    if (mood.kind === 'hangs in its answer') return void response.write('{"AccessKeyId":"AK');
    if (mood.kind === 'answers') return void response.end(mood.body);
    const number = String(requests.length).padStart(6, '0');
    const credentials = {
      accessKeyId: `AKIDSTUB${number}`,
      secretAccessKey: `stub-secret-${number}`,
      sessionToken: `stub-session-${number}`,
    };
    secrets.push(credentials.secretAccessKey, credentials.sessionToken);
    keys.set(credentials.accessKeyId, { credentials, expired: false });
    response.end(
      JSON.stringify({
        AccessKeyId: credentials.accessKeyId,
        SecretAccessKey: credentials.secretAccessKey,
        Token: credentials.sessionToken,
        Expiration: new Date(nowMs() + 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z'),
      }),
    );
  };
  let server = await listening(serve);
  let port = portOf(server);
  const environment = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://localhost:${port}/2016-11-01/credentialprovider/`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
  };
  const die = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  return {
    environment,
    requests,
    secrets,
    get port() {
      return port;
    },
    find: (accessKeyId) => {
      const key = keys.get(accessKeyId);
      // The S3 goes by the machine's clock, the test by its own: so expiry is a date long gone, or none.
      return key?.expired === true ? { ...key.credentials, expiration: new Date(0) } : key?.credentials;
    },
    setStatus: (status) => {
      mood =
        status === 200
          ? { kind: 'well' }
          : { kind: 'answers', status, body: JSON.stringify({ Message: `not now, ${token}` }) };
    },
    setMood: (next) => {
      mood = next;
    },
    expireAll: () => {
      for (const key of keys.values()) key.expired = true;
    },
    die,
    rise: async () => {
      const former = port;
      do {
        server = await listening(serve);
        port = portOf(server);
        if (port === former) await die();
      } while (port === former);
    },
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await die();
    },
  };
}

async function listening(
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
