import type { Reason } from '../../../src/contract/mod.js';
import { EdgeError, messageOf } from '../../../src/core/mod.js';
import { adviceOnWay, wayOf } from '../../../src/net/mod.js';

/** What an error of AWS is to a person. */
interface Meaning {
  readonly reason: Reason;
  /** In place of AWS's message. */
  readonly sentence?: (message: string) => string;
  readonly nextStep?: string;
}

const KEYS_REFUSED: Meaning = {
  reason: 'CREDENTIALS_REFUSED',
  sentence: (message) => `AWS does not take the credentials (${message})`,
  nextStep:
    'Sign in again (aws sso login), or correct AWS_PROFILE, the access key or the clock of this machine',
};
const KEYS_MISSING: Meaning = {
  reason: 'CREDENTIALS_MISSING',
  sentence: () => 'there are no AWS credentials',
  nextStep: 'Sign in (aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
};
const REGION_MISSING: Meaning = {
  reason: 'REGION_MISSING',
  sentence: () => 'no region is set',
  nextStep: 'Set AWS_REGION, or region in the AWS profile',
};
const MISSING: Meaning = { reason: 'AWS_NOT_FOUND' };
const BUSY: Meaning = {
  reason: 'AWS_BUSY',
  nextStep: 'Wait a minute and start the same command again: it goes on where it stopped',
};
const CONFLICT: Meaning = { reason: 'AWS_CONFLICT' };
const REFUSED: Meaning = { reason: 'AWS_REFUSED' };
const INDEXING_OFF: Meaning = {
  reason: 'INDEXING_OFF',
  sentence: () => 'fleet indexing is off or not ready',
  nextStep: 'Run edge-manager report FLEET --set-up, which turns it on, and wait some minutes',
};
const UNREACHABLE: Meaning = {
  reason: 'AWS_UNREACHABLE',
  nextStep: 'Check the network and the endpoint, then start the same command again',
};

const DENIED = new Set([
  'AccessDeniedException',
  'UnauthorizedException',
  'ForbiddenException',
  'AccessDenied',
]);
const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  // Keys that AWS does not know, or no longer.
  ['UnrecognizedClientException', KEYS_REFUSED],
  ['InvalidClientTokenId', KEYS_REFUSED],
  ['InvalidAccessKeyId', KEYS_REFUSED],
  ['InvalidSignatureException', KEYS_REFUSED],
  ['SignatureDoesNotMatch', KEYS_REFUSED],
  ['ExpiredTokenException', KEYS_REFUSED],
  ['ExpiredToken', KEYS_REFUSED],
  ['ResourceNotFoundException', MISSING],
  ['NotFoundException', MISSING],
  ['ThrottlingException', BUSY],
  ['LimitExceededException', BUSY],
  ['TooManyRequestsException', BUSY],
  ['ConflictException', CONFLICT],
  ['ResourceAlreadyExistsException', CONFLICT],
  ['ValidationException', REFUSED],
  ['InvalidRequestException', REFUSED],
  ['InvalidArnException', REFUSED],
  ['InvalidKeyUsageException', REFUSED],
  ['UnsupportedOperationException', REFUSED],
  ['DisabledException', REFUSED],
  ['KMSInvalidStateException', REFUSED],
  ['KeyUnavailableException', BUSY],
  ['KMSInternalException', BUSY],
  ['DependencyTimeoutException', BUSY],
  ['InvalidQueryException', REFUSED],
  ['InvalidAggregationException', REFUSED],
  ['IndexNotReadyException', INDEXING_OFF],
]);

export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && MEANINGS.get(thrown.name) === MISSING;
}

/**
 * AWS's errors as ours, once, here: the missing permission or the next step named.
 * @param needed the permission, for services whose refusal does not name it (IoT data)
 */
export function fromAws(action: string, thrown: unknown, needed?: string): EdgeError {
  if (thrown instanceof EdgeError) return thrown;
  const onWay = fromWay(action, thrown);
  if (onWay !== undefined) return onWay;
  const name = thrown instanceof Error ? thrown.name : '';
  const message = messageOf(thrown);
  const { reason, sentence, nextStep } = DENIED.has(name)
    ? denied(/perform: ([\w-]+:\w+)/.exec(message)?.[1] ?? needed)
    : meaningOf(name, message);
  return new EdgeError(reason, `${action}: ${sentence?.(message) ?? message}`, { cause: thrown, nextStep });
}

/** Where no answer came, for a reason of TLS, DNS or a proxy that can be told. */
function fromWay(action: string, thrown: unknown): EdgeError | undefined {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (typeof code !== 'string') return undefined;
  const advice = adviceOnWay(code, wayOf(thrown), 'set AWS_CA_BUNDLE to its certificate');
  if (advice === undefined) return undefined;
  return new EdgeError('AWS_UNREACHABLE', `${action}: AWS cannot be reached (${code}): ${advice}`, {
    cause: thrown,
    nextStep: UNREACHABLE.nextStep,
  });
}

function denied(permission: string | undefined): Meaning {
  return {
    reason: 'AWS_DENIED',
    sentence: (message) =>
      `AWS denied it${permission === undefined ? ` (${message})` : ` for want of ${permission}`}`,
    nextStep: `Give the caller the permission ${permission ?? 'that the message names'}`,
  };
}

function meaningOf(name: string, message: string): Meaning {
  const known = MEANINGS.get(name);
  if (known !== undefined) return known;
  if (/credential/i.test(name)) return KEYS_MISSING;
  return /region is missing/i.test(message) ? REGION_MISSING : UNREACHABLE;
}
