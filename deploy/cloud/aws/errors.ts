import type { Reason } from '../../../src/contract/mod.js';
import { EdgeError, messageOf } from '../../../src/core/mod.js';

const DENIED = new Set([
  'AccessDeniedException',
  'UnauthorizedException',
  'ForbiddenException',
  'AccessDenied',
]);
/** Keys that AWS does not know, or no longer. */
const UNKNOWN_KEYS = new Set([
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'ExpiredTokenException',
  'ExpiredToken',
]);
const MISSING = new Set(['ResourceNotFoundException', 'NotFoundException']);
const BUSY = new Set(['ThrottlingException', 'LimitExceededException', 'TooManyRequestsException']);

export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && MISSING.has(thrown.name);
}

/**
 * AWS's errors as ours, once, here: the missing permission or the next step named.
 * @param needed the permission, for services whose refusal does not name it (IoT data)
 */
export function fromAws(action: string, thrown: unknown, needed?: string): EdgeError {
  if (thrown instanceof EdgeError) return thrown;
  const name = thrown instanceof Error ? thrown.name : '';
  const message = messageOf(thrown);
  const fail = (reason: Reason, sentence: string, nextStep?: string): EdgeError =>
    new EdgeError(reason, `${action}: ${sentence}`, { cause: thrown, nextStep });
  if (DENIED.has(name)) {
    const permission = /perform: ([\w-]+:\w+)/.exec(message)?.[1] ?? needed;
    const step =
      permission === undefined
        ? 'Give the caller the permission that the message names'
        : `Give the caller the permission ${permission}`;
    return fail(
      'AWS_DENIED',
      `AWS denied it${permission === undefined ? ` (${message})` : ` for want of ${permission}`}`,
      step,
    );
  }
  if (UNKNOWN_KEYS.has(name)) {
    return fail(
      'CREDENTIALS_REFUSED',
      `AWS does not take the credentials (${message})`,
      'Sign in again (aws sso login), or correct AWS_PROFILE, the access key or the clock of this machine',
    );
  }
  if (name === 'CredentialsProviderError' || /credential/i.test(name)) {
    return fail(
      'CREDENTIALS_MISSING',
      'there are no AWS credentials',
      'Sign in (aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    );
  }
  if (/region is missing/i.test(message)) {
    return fail('REGION_MISSING', 'no region is set', 'Set AWS_REGION, or region in the AWS profile');
  }
  if (MISSING.has(name)) return fail('AWS_NOT_FOUND', message);
  if (BUSY.has(name))
    return fail(
      'AWS_BUSY',
      message,
      'Wait a minute and start the same command again: it goes on where it stopped',
    );
  if (name === 'ConflictException' || name === 'ResourceAlreadyExistsException')
    return fail('AWS_CONFLICT', message);
  if (
    name === 'ValidationException' ||
    name === 'InvalidRequestException' ||
    name === 'InvalidAggregationException'
  ) {
    return fail('AWS_REFUSED', message);
  }
  if (name === 'IndexNotReadyException') {
    return fail(
      'INDEXING_OFF',
      'fleet indexing is off or not ready',
      'Run edge-manager report FLEET --set-up, which turns it on, and wait some minutes',
    );
  }
  return fail(
    'AWS_UNREACHABLE',
    message,
    'Check the network and the endpoint, then start the same command again',
  );
}
