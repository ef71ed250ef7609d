import { s3Errors } from './errors.js';

/** What a presigned URL says of its signature. */
export interface PresignedAuthorization {
  readonly accessKeyId: string;
  readonly scope: readonly [string, string, string];
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly amzDate: string;
  readonly expiresSeconds: number;
  /** Undefined where the keys need none. */
  readonly token: string | undefined;
}

const WEEK_SECONDS = 604_800;

/** Whether a query carries a signature of SigV4. */
export function isPresigned(query: URLSearchParams): boolean {
  return ['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature'].some((name) => query.has(name));
}

/** Throws AuthorizationQueryParametersError. */
export function parsePresigned(query: URLSearchParams): PresignedAuthorization {
  const read = (name: string): string => {
    const value = query.get(name);
    if (value === null || value === '')
      throw s3Errors.authorizationQuery(
        'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
      );
    return value;
  };
  if (read('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256')
    throw s3Errors.authorizationQuery('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"');
  const [, accessKeyId = '', date = '', region = '', service = ''] =
    /^([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/.exec(read('X-Amz-Credential')) ?? [];
  if (accessKeyId === '')
    throw s3Errors.authorizationQuery(
      'Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  return {
    accessKeyId,
    scope: [date, region, service],
    signedHeaders: read('X-Amz-SignedHeaders').split(';'),
    signature: read('X-Amz-Signature'),
    amzDate: read('X-Amz-Date'),
    expiresSeconds: secondsOf(read('X-Amz-Expires')),
    token: query.get('X-Amz-Security-Token') ?? undefined,
  };
}

function secondsOf(text: string): number {
  if (!/^-?\d+$/.test(text)) throw s3Errors.authorizationQuery('X-Amz-Expires should be a number');
  const seconds = Number(text);
  if (seconds < 0) throw s3Errors.authorizationQuery('X-Amz-Expires must be non-negative');
  if (seconds > WEEK_SECONDS)
    throw s3Errors.authorizationQuery(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    );
  return seconds;
}

/** The target without its signature, as it was when it was signed. */
export function unsignedTarget(target: string): string {
  const [path = '/', query = ''] = target.split('?', 2);
  return `${path}?${query
    .split('&')
    .filter((pair) => !pair.startsWith('X-Amz-Signature='))
    .join('&')}`;
}
