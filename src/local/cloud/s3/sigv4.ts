import { hmacSha256, sameSecret, sha256Hex } from '../../../system/mod.js';
import { s3Errors } from './errors.js';

/** A key that this server accepts. With `sessionToken` requests must carry it. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** What of an HTTP request the signature covers. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as they came on the wire. */
  readonly target: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface VerifyOptions {
  readonly service: string;
  /** Absent: any region in the credential scope. */
  readonly region?: string | undefined;
  readonly nowMs: number;
  readonly find: (accessKeyId: string) => S3Credentials | undefined;
  /** How far the request's date may be off. Default: S3's 15 minutes. */
  readonly maxSkewMs?: number;
  /** Of the body, lower-case hex. Default: what x-amz-content-sha256 says, which S3 compares while it reads. */
  readonly payloadSha256?: string;
  /** All services but S3 normalise the path, and encode it once more. */
  readonly encodesPathTwice?: boolean;
}

const MAX_SKEW_MS = 15 * 60_000;

/**
 * Checks the Authorization header as S3 does (AWS4-HMAC-SHA256, header form): known key, valid token, date
 * within 15 minutes, all x-amz-* headers signed, signature equal. The payload's hash is checked elsewhere.
 * @returns the access key id. Throws S3Error.
 */
export function verifySignature(request: SignedRequest, options: VerifyOptions): string {
  const header = request.headers['authorization'];
  if (header === undefined) throw s3Errors.accessDenied('The request carries no Authorization header');
  const parsed = parseAuthorization(header);
  if (parsed.scope[2] !== options.service)
    throw s3Errors.authorizationMalformed(`The credential scope names the service ${parsed.scope[2]}`);
  if (options.region !== undefined && parsed.scope[1] !== options.region)
    throw s3Errors.authorizationMalformed(
      `The authorization header is malformed; the region '${parsed.scope[1]}' is wrong; expecting '${options.region}'`,
      { Region: options.region },
    );
  const credentials = options.find(parsed.accessKeyId);
  if (credentials === undefined) throw s3Errors.invalidAccessKey(parsed.accessKeyId);
  const amzDate = request.headers['x-amz-date'] ?? '';
  const requestMs = parseAmzDate(amzDate);
  if (!amzDate.startsWith(parsed.scope[0]))
    throw s3Errors.authorizationMalformed('The scope has another date');
  if (Math.abs(requestMs - options.nowMs) > (options.maxSkewMs ?? MAX_SKEW_MS))
    throw s3Errors.timeSkewed(amzDate, new Date(options.nowMs).toISOString());
  requireSigned(request.headers, parsed.signedHeaders);
  const wanted = signatureOf(request, parsed, amzDate, credentials.secretAccessKey, options);
  if (!sameSecret(wanted, parsed.signature)) throw s3Errors.signatureMismatch();
  checkToken(request.headers['x-amz-security-token'], credentials, options.nowMs);
  return parsed.accessKeyId;
}

export interface Authorization {
  readonly accessKeyId: string;
  readonly scope: readonly [string, string, string];
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

export function parseAuthorization(header: string): Authorization {
  const match =
    /^AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]{64})$/.exec(
      header,
    );
  if (match === null)
    throw s3Errors.authorizationMalformed('The Authorization header is not AWS4-HMAC-SHA256');
  const [, accessKeyId = '', date = '', region = '', service = '', signed = '', signature = ''] = match;
  return { accessKeyId, scope: [date, region, service], signedHeaders: signed.split(';'), signature };
}

export function parseAmzDate(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) throw s3Errors.accessDenied('The request carries no valid x-amz-date');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

export function requireSigned(headers: Readonly<Record<string, string>>, signed: readonly string[]): void {
  const unsigned = Object.keys(headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.includes(name),
  );
  if (unsigned.length > 0)
    throw s3Errors.accessDenied('There were headers present in the request which were not signed', {
      HeadersNotSigned: unsigned.join(', '),
    });
}

export function checkToken(sent: string | undefined, credentials: S3Credentials, nowMs: number): void {
  if (sent !== credentials.sessionToken) throw s3Errors.invalidToken();
  if (credentials.expiration !== undefined && credentials.expiration.getTime() <= nowMs)
    throw s3Errors.expiredToken();
}

export function signatureOf(
  request: SignedRequest,
  parsed: Authorization,
  amzDate: string,
  secret: string,
  { payloadSha256, encodesPathTwice = false }: Pick<VerifyOptions, 'payloadSha256' | 'encodesPathTwice'> = {},
): string {
  const path = canonicalPath(request.target);
  const canonical = [
    request.method,
    encodesPathTwice ? canonicalPath(normalised(path).replaceAll('%', '%25')) : path,
    canonicalQuery(request.target),
    ...parsed.signedHeaders.map((name) => `${name}:${tidy(request.headers[name] ?? '')}`),
    '',
    parsed.signedHeaders.join(';'),
    payloadSha256 ?? request.headers['x-amz-content-sha256'] ?? '',
  ].join('\n');
  const scope = [...parsed.scope, 'aws4_request'].join('/');
  const toSign = ['AWS4-HMAC-SHA256', amzDate, scope, sha256Hex(canonical)];
  return hmacSha256(signingKey(secret, parsed.scope), toSign.join('\n')).toString('hex');
}

/** The key of one day, region and service, which also signs what a request streams. */
export function signingKey(secret: string, scope: Authorization['scope']): Uint8Array {
  return [...scope, 'aws4_request'].reduce<Uint8Array>(
    (parent, part) => hmacSha256(parent, part),
    Buffer.from(`AWS4${secret}`),
  );
}

/** S3 encodes the path once and does not normalise it. */
function canonicalPath(target: string): string {
  const path = target.split('?', 1)[0] ?? '/';
  return path.split('/').map(reencode).join('/');
}

/** Without empty parts, `.` and `..`. */
function normalised(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}${path.endsWith('/') && parts.length > 0 ? '/' : ''}`;
}

function canonicalQuery(target: string): string {
  const at = target.indexOf('?');
  if (at < 0) return '';
  return (
    target
      .slice(at + 1)
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair): [string, string] => {
        const equals = pair.indexOf('=');
        return equals < 0
          ? [reencode(pair), '']
          : [reencode(pair.slice(0, equals)), reencode(pair.slice(equals + 1))];
      })
      // By name, not by the whole: '=' would come behind the '-' of a longer name.
      .sort(([a, one], [b, other]) => (a === b ? compare(one, other) : compare(a, b)))
      .map(([name, value]) => `${name}=${value}`)
      .join('&')
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function reencode(part: string): string {
  let plain = part;
  try {
    plain = decodeURIComponent(part);
  } catch {
    throw s3Errors.invalidArgument('The request target is not valid percent-encoding');
  }
  return encodeURIComponent(plain).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function tidy(value: string): string {
  return value.trim().replaceAll(/\s+/g, ' ');
}
