import { sameSecret } from '../../../system/mod.js';
import { ChunkSignatures } from './chunk-signatures.js';
import { s3Errors } from './errors.js';
import { isPresigned, parsePresigned, unsignedTarget } from './presigned.js';
import {
  checkToken,
  parseAmzDate,
  parseAuthorization,
  requireSigned,
  signatureOf,
  signingKey,
  verifySignature,
  type S3Credentials,
  type SignedRequest,
} from './sigv4.js';

export interface AuthenticateOptions {
  readonly region: string;
  readonly nowMs: number;
  readonly find: (accessKeyId: string) => S3Credentials | undefined;
}

export interface Authenticated {
  readonly accessKeyId: string;
  /** Where the body is to be signed in chunks. */
  readonly chunkSignatures: ChunkSignatures | undefined;
}

const MAX_SKEW_MS = 15 * 60_000;
const FORMER = 'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.';

/** Checks who signed the request, in its headers or in its URL. Throws S3Error. */
export function authenticate(
  request: SignedRequest,
  query: URLSearchParams,
  options: AuthenticateOptions,
): Authenticated {
  const header = request.headers['authorization'];
  if (query.has('AWSAccessKeyId') || header?.startsWith('AWS ') === true)
    throw s3Errors.invalidRequest(FORMER);
  if (!isPresigned(query)) {
    const accessKeyId = verifySignature(request, { service: 's3', ...options });
    return { accessKeyId, chunkSignatures: chunkSignaturesOf(request, options) };
  }
  if (header !== undefined)
    throw s3Errors.invalidArgument(
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    );
  return { accessKeyId: verifyPresigned(request, query, options), chunkSignatures: undefined };
}

function chunkSignaturesOf(
  request: SignedRequest,
  options: AuthenticateOptions,
): ChunkSignatures | undefined {
  const payload = request.headers['x-amz-content-sha256'] ?? '';
  if (!payload.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')) return undefined;
  const { accessKeyId, scope, signature } = parseAuthorization(request.headers['authorization'] ?? '');
  const secret = options.find(accessKeyId)?.secretAccessKey ?? '';
  return new ChunkSignatures({
    date: request.headers['x-amz-date'] ?? '',
    scope: [...scope, 'aws4_request'].join('/'),
    key: signingKey(secret, scope),
    seed: signature,
  });
}

function verifyPresigned(
  request: SignedRequest,
  query: URLSearchParams,
  options: AuthenticateOptions,
): string {
  const signed = parsePresigned(query);
  const [date, region, service] = signed.scope;
  if (service !== 's3')
    throw s3Errors.authorizationQuery(
      `Error parsing the X-Amz-Credential parameter; incorrect service "${service}". This endpoint belongs to "s3".`,
    );
  if (region !== options.region)
    throw s3Errors.authorizationQuery(
      `Error parsing the X-Amz-Credential parameter; the region '${region}' is wrong; expecting '${options.region}'`,
    );
  if (!signed.amzDate.startsWith(date)) throw s3Errors.authorizationQuery('Invalid credential date');
  checkTime(parseAmzDate(signed.amzDate), signed.expiresSeconds, options.nowMs);
  const credentials = options.find(signed.accessKeyId);
  if (credentials === undefined) throw s3Errors.invalidAccessKey(signed.accessKeyId);
  requireSigned(request.headers, signed.signedHeaders);
  const payload = query.get('X-Amz-Content-Sha256') ?? request.headers['x-amz-content-sha256'];
  const canonical = {
    method: request.method,
    target: unsignedTarget(request.target),
    headers: { ...request.headers, 'x-amz-content-sha256': payload ?? 'UNSIGNED-PAYLOAD' },
  };
  const wanted = signatureOf(canonical, signed, signed.amzDate, credentials.secretAccessKey);
  if (signed.signature.length !== wanted.length || !sameSecret(wanted, signed.signature))
    throw s3Errors.signatureMismatch();
  checkToken(signed.token, credentials, options.nowMs);
  return signed.accessKeyId;
}

function checkTime(signedMs: number, expiresSeconds: number, nowMs: number): void {
  if (signedMs - nowMs > MAX_SKEW_MS) throw s3Errors.accessDenied('Request is not yet valid');
  const expiresMs = signedMs + expiresSeconds * 1000;
  if (nowMs <= expiresMs) return;
  throw s3Errors.accessDenied('Request has expired', {
    'X-Amz-Expires': expiresSeconds,
    Expires: new Date(expiresMs).toISOString(),
    ServerTime: new Date(nowMs).toISOString(),
  });
}
