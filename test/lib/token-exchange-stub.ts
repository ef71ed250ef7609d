import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { S3Credentials } from '../../src/local/cloud/s3/mod.js';

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
  /** The keys handed out so far are expired from now on. */
  expireAll(): void;
}

export async function startTokenExchangeStub(nowMs: () => number): Promise<TokenExchangeStub> {
  const token = 'stub-authorization-token-0123456789';
  const keys = new Map<string, { credentials: S3Credentials; expired: boolean }>();
  const requests: { status: number; atMs: number }[] = [];
  const secrets = [token];
  let status = 200;
  const server = createServer((request, response) => {
    const answered = request.headers.authorization === token ? status : 403;
    requests.push({ status: answered, atMs: nowMs() });
    response.statusCode = answered;
    if (answered !== 200) {
      response.end(JSON.stringify({ Message: `not now, ${token}` }));
      return;
    }
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
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    environment: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/2016-11-01/credentialprovider/`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
    },
    requests,
    secrets,
    find: (accessKeyId) => {
      const key = keys.get(accessKeyId);
      // The S3 goes by the machine's clock, the test by its own: so expiry is a date long gone, or none.
      return key?.expired === true ? { ...key.credentials, expiration: new Date(0) } : key?.credentials;
    },
    setStatus: (next) => {
      status = next;
    },
    expireAll: () => {
      for (const key of keys.values()) key.expired = true;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
