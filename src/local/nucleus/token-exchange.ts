import { loopbackServer, type HttpRequest, type HttpResponse } from '../http/mod.js';
import { messageOf, type Logger } from '../../core/mod.js';
import type { DeviceCredentials } from './api/mod.js';

const CREDENTIALS_PATH = '/2016-11-01/credentialprovider/';

export interface TokenExchange {
  /** What goes into AWS_CONTAINER_CREDENTIALS_FULL_URI. */
  readonly url: string;
  close(): Promise<void>;
}

export interface TokenExchangeOptions {
  readonly isKnownToken: (token: string) => boolean;
  readonly credentials: (() => Promise<DeviceCredentials>) | undefined;
  readonly logger: Logger;
}

/**
 * The token exchange service on 127.0.0.1, as the container credentials provider of the AWS SDKs reads it.
 * 403 for a token of nobody, 404 where the device has no credentials, 500 where they cannot be had now.
 */
export async function startTokenExchange(options: TokenExchangeOptions): Promise<TokenExchange> {
  const server = loopbackServer((request, response) => answer(request, response, options));
  const port = await server.listen(0);
  return { url: `http://127.0.0.1:${port}${CREDENTIALS_PATH}`, close: () => server.close() };
}

async function answer(
  request: HttpRequest,
  response: HttpResponse,
  { isKnownToken, credentials, logger }: TokenExchangeOptions,
): Promise<void> {
  const send = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  if (request.url?.split('?')[0] !== CREDENTIALS_PATH) return send(404, { message: 'Not found' });
  if (request.method !== 'GET') return send(405, { message: 'Only GET is supported' });
  if (!isKnownToken(request.headers.authorization ?? '')) return send(403, { message: 'Unknown token' });
  if (credentials === undefined) return send(404, { message: 'This device has no credentials' });
  try {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await credentials();
    send(200, {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: sessionToken,
      Expiration: expiration.toISOString(),
    });
  } catch (error) {
    logger.warn('The token exchange has no credentials now', { reason: messageOf(error) });
    send(500, { message: 'Failed to get credentials' });
  }
}
