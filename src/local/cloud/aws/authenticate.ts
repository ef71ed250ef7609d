import { sha256Hex } from '../../../system/mod.js';
import type { HttpRequest } from '../../http/mod.js';
import { S3Error, verifySignature, type S3Credentials } from '../s3/mod.js';
import { AwsError } from './errors.js';

export interface Authentication {
  readonly region: string;
  readonly nowMs: number;
  readonly find: (accessKeyId: string) => S3Credentials | undefined;
  /** Of the services that the path may mean. */
  readonly signingNames: readonly string[];
  /** Of the query protocol: its refusals have other names. */
  readonly isQuery: boolean;
}

/** Services sign for five minutes, S3 for fifteen. */
const MAX_SKEW_MS = 5 * 60_000;

const SCOPE = /^AWS4-HMAC-SHA256\s+Credential=[^/,\s]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request\s*,/;
const INVALID_TOKEN = 'The security token included in the request is invalid.';

/**
 * What one signature check has found, as the services say it: their name, the query protocol's, the sentence where S3's
 * would not do.
 */
const REFUSALS: ReadonlyMap<
  string,
  readonly [json: string, query: string, status: number, message?: string]
> = new Map([
  ['AuthorizationHeaderMalformed', ['IncompleteSignatureException', 'IncompleteSignature', 400]],
  ['InvalidAccessKeyId', ['UnrecognizedClientException', 'InvalidClientTokenId', 403, INVALID_TOKEN]],
  ['InvalidToken', ['UnrecognizedClientException', 'InvalidClientTokenId', 403, INVALID_TOKEN]],
  [
    'ExpiredToken',
    ['ExpiredTokenException', 'ExpiredToken', 403, 'The security token included in the request is expired'],
  ],
  ['RequestTimeTooSkewed', ['InvalidSignatureException', 'SignatureDoesNotMatch', 403]],
  ['SignatureDoesNotMatch', ['InvalidSignatureException', 'SignatureDoesNotMatch', 403]],
  ['AccessDenied', ['InvalidSignatureException', 'SignatureDoesNotMatch', 403]],
  ['InvalidArgument', ['InvalidSignatureException', 'SignatureDoesNotMatch', 403]],
]);

/**
 * Checks a request's signature (AWS4-HMAC-SHA256 in the Authorization header) over its body, as every service but S3
 * does.
 * @returns the access key id. Throws AwsError
 */
export function authenticate(
  request: HttpRequest,
  body: Buffer,
  { region, nowMs, find, signingNames, isQuery }: Authentication,
): string {
  const header = request.headers.authorization;
  if (header === undefined) {
    const name = isQuery ? 'MissingAuthenticationToken' : 'MissingAuthenticationTokenException';
    throw new AwsError(name, 403, 'Missing Authentication Token');
  }
  const [, scopeRegion, scopeService = ''] = SCOPE.exec(header) ?? [];
  const badScope = (wanted: string): AwsError =>
    new AwsError(
      isQuery ? 'SignatureDoesNotMatch' : 'InvalidSignatureException',
      403,
      `Credential should be scoped to ${wanted}.`,
    );
  if (scopeRegion !== undefined && scopeRegion !== region) throw badScope(`a valid region: '${region}'`);
  if (scopeRegion !== undefined && !signingNames.includes(scopeService))
    throw badScope(`correct service: '${signingNames.join("' or '")}'`);
  try {
    const signed = {
      method: request.method ?? '',
      target: request.url ?? '/',
      headers: flat(request.headers),
    };
    return verifySignature(signed, {
      service: scopeService,
      region,
      nowMs,
      find,
      maxSkewMs: MAX_SKEW_MS,
      payloadSha256: sha256Hex(body),
      encodesPathTwice: true,
    });
  } catch (error) {
    throw refusalOf(error, isQuery);
  }
}

function refusalOf(thrown: unknown, isQuery: boolean): unknown {
  if (!(thrown instanceof S3Error)) return thrown;
  const [json, query, status, message] = REFUSALS.get(thrown.code) ?? [
    thrown.code,
    thrown.code,
    thrown.status,
  ];
  return new AwsError(isQuery ? query : json, status, message ?? thrown.message);
}

function flat(headers: HttpRequest['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, [value].flat().join(',')]],
    ),
  );
}
