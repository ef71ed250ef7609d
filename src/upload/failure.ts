import { adviceOnWay, type Way } from '../net/mod.js';

/**
 * Whose fault a failed put is, which decides what happens next. None of them loses data.
 * - `transport`: the way or the store's own trouble; full-jitter backoff.
 * - `throttle`: the store asks for less; backoff and half the concurrency.
 * - `credentials`: expired, missing or unknown; one forced refresh each.
 * - `permission`: a person must change a policy, a bucket or a key; held, probed every 5 minutes.
 * - `damaged`: bytes did not arrive as sent, or lie otherwise in the store; this object again, later.
 * - `conflict`: another write of the same key is under way; this object again, later.
 * - `refusal`: refused for a reason that may be the object's or everybody's. It is the object's only where others
 *   go through meanwhile; without any success everything is held.
 * - `poison`: the store names this object as what it will never take; after a few tries it is set aside.
 */
export type FailureClass =
  'transport' | 'throttle' | 'credentials' | 'permission' | 'damaged' | 'conflict' | 'refusal' | 'poison';

export interface Failure {
  readonly class: FailureClass;
  /** The store's or the network's own name for it, such as `SlowDown` or `ECONNRESET`. */
  readonly code: string;
  /** One sentence for logs and status; holds no secret. */
  readonly reason: string;
  /** Where the store says that the bucket lies, where that is elsewhere. */
  readonly region?: string;
  /** What the store asked for by Retry-After. */
  readonly retryAfterMs?: number;
}

/** What an adapter knows of an error answer; `status` absent where no answer came. */
export interface ErrorFacts {
  readonly status?: number;
  /** The code of S3's error document, or of the network; {@link NO_DOCUMENT} where an answer holds none. */
  readonly code: string;
  /** The sentence of whoever kept the request from going out at all. */
  readonly said?: string;
  /** Where no answer came: what is known of the way. */
  readonly way?: Way;
  /** The region in which the answer says that the bucket lies. */
  readonly region?: string;
  /** The Retry-After header: seconds, or an HTTP date. */
  readonly retryAfter?: string;
  /** The server's Date header, against which a Retry-After date is read: the device's clock may be wrong. */
  readonly date?: string;
}

/** An answer that is no store's: a captive portal's page, a proxy's text, plain http on a TLS port. */
export const NO_DOCUMENT = 'NoS3Answer';
/** A success without a word of the object: nothing is delivered before something proves it. */
export const UNPROVEN = 'Unproven';

/** Codes by which a store names the object itself. No other answer makes an object poison by itself. */
const OBJECT =
  /^(EntityTooLarge|KeyTooLong\w*|MetadataTooLarge|MaxMessageLengthExceeded|(XMinio)?InvalidObjectName)$/;
const THROTTLE =
  /^(SlowDown|Throttl\w*|RequestLimitExceeded|TooManyRequests\w*|BandwidthLimitExceeded|ServiceUnavailable|RequestThrottled\w*|ProvisionedThroughput\w*)$/;
const CREDENTIALS =
  /^(ExpiredToken\w*|InvalidToken|TokenRefreshRequired|InvalidAccessKeyId|RequestExpired|InvalidClientTokenId|UnrecognizedClient\w*|Credentials\w*)$/;
const DAMAGED =
  /^(BadDigest|XAmzContentSHA256Mismatch|XAmzContentChecksumMismatch|IncompleteBody|ChecksumMismatch)$/;
const CONFLICT = /^(ConditionalRequestConflict|OperationAborted|PreconditionFailed)$/;
/** 4xx codes that say nothing of this object: the next one would meet them as well. */
const PERMISSION =
  /^(AccessDenied|NoSuchBucket|PermanentRedirect|TemporaryRedirect|InvalidBucket\w*|AccountProblem|AllAccessDisabled|NotSignedUp|AuthorizationHeaderMalformed|SignatureDoesNotMatch|IllegalLocationConstraint\w*|NotImplemented|MethodNotAllowed|KMS\..*|InvalidObjectState|InvalidRegionName|UserSuspended|QuotaExceeded|MissingContentLength)$/;
/** 4xx codes of the way and of the clock (the client corrects its offset from the answer's date). */
const TRANSPORT = /^(RequestTimeout|RequestTimeTooSkewed|RequestTimeoutException)$/;

/** The class of a failed put. Pure; the same facts always give the same class. */
export function classify(facts: ErrorFacts): FailureClass {
  const { status, code } = facts;
  if (CREDENTIALS.test(code)) return 'credentials';
  if (THROTTLE.test(code) || status === 429) return 'throttle';
  if (DAMAGED.test(code)) return 'damaged';
  if (CONFLICT.test(code) || status === 409 || status === 412) return 'conflict';
  if (TRANSPORT.test(code) || status === undefined || status === 408) return 'transport';
  if (OBJECT.test(code)) return 'poison';
  if (PERMISSION.test(code)) return 'permission';
  return classifyStatus(status, code === NO_DOCUMENT);
}

/** By the status alone, as the code says nothing. */
function classifyStatus(status: number, noDocument: boolean): FailureClass {
  if (status === 503) return 'throttle';
  if (status === 501) return 'permission';
  if (status >= 500 || status < 300) return 'transport';
  if (status < 400 || [401, 403, 404, 405, 407, 411].includes(status)) return 'permission';
  // Without S3's document it is not the store that speaks, but for a size that something on the way does not let pass.
  return noDocument && status !== 413 ? 'transport' : 'refusal';
}

const SENTENCES: Readonly<Record<FailureClass, string>> = {
  transport: 'The store cannot be reached or has trouble of its own',
  throttle: 'The store asks for fewer requests',
  credentials: 'The credentials are missing, expired or unknown to the store',
  permission: 'The store refuses this device: check bucket, role, key and region',
  damaged: 'The bytes did not arrive, or do not lie in the store, as they were sent',
  conflict: 'Another write of the same key is under way',
  refusal: 'The store refuses this object, or all of them',
  poison: 'The store refuses this object for good',
};

/** What a person should look at, where the answer tells more than its class. */
function adviceOf({ status, code, region, way, said }: ErrorFacts): string {
  if (said !== undefined) return `: ${said}`;
  if (status === undefined && code !== UNPROVEN) {
    const advice = adviceOnWay(code, way ?? {}, 'set caFile, or AWS_CA_BUNDLE, to its certificate');
    return advice === undefined ? '' : `: ${advice}`;
  }
  if (region !== undefined) return `: the bucket lies in region ${region}, so set region to it`;
  if (code === UNPROVEN) {
    return ': what answered does not say that the object is there, as a captive portal or a proxy does, so look at the network and the endpoint';
  }
  if (code === NO_DOCUMENT && status === 407) return ': a proxy on the way wants a user and a password';
  if (code === NO_DOCUMENT) {
    return ': what answered is no S3 store, so check endpoint, port, http or https, and proxies';
  }
  if (code === 'NotImplemented') return ': the store lacks something that the request needs';
  return '';
}

export function failureOf(facts: ErrorFacts): Failure {
  const kind = classify(facts);
  const retryAfterMs = parseRetryAfter(facts.retryAfter, facts.date);
  const answered = facts.status === undefined ? facts.code : `${facts.status} ${facts.code}`;
  return {
    class: kind,
    code: facts.code,
    reason: `${SENTENCES[kind]} (${answered})${adviceOf(facts)}`,
    ...(facts.region === undefined ? {} : { region: facts.region }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** A store that asks for more than an hour is not believed. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** Milliseconds that a Retry-After header asks for; undefined where there is none that can be read. */
export function parseRetryAfter(header: string | undefined, date: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const asked = /^\d+$/.test(header.trim())
    ? Number(header) * 1000
    : date === undefined
      ? Number.NaN
      : Date.parse(header) - Date.parse(date);
  if (!Number.isFinite(asked) || asked < 0) return undefined;
  return Math.min(asked, MAX_RETRY_AFTER_MS);
}
