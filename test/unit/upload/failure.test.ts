import assert from 'node:assert/strict';
import { SeededRandom } from '../../../src/core/mod.js';
import {
  classify,
  concernsStore,
  DEFAULT_RETRY_POLICY,
  failureOf,
  parseRetryAfter,
  retryDelayMs,
  type FailureClass,
} from '../../../src/upload/mod.js';

describe('classify', () => {
  const table: readonly [FailureClass, number | undefined, string][] = [
    ['transport', undefined, 'ECONNRESET'],
    ['transport', undefined, 'ENOTFOUND'],
    ['transport', undefined, 'AbortError'],
    ['transport', 500, 'InternalError'],
    ['transport', 502, 'Unknown'],
    ['transport', 400, 'RequestTimeout'],
    ['transport', 403, 'RequestTimeTooSkewed'],
    ['throttle', 503, 'SlowDown'],
    ['throttle', 503, 'Unknown'],
    ['throttle', 429, 'TooManyRequestsException'],
    ['throttle', 400, 'ThrottlingException'],
    ['credentials', 400, 'ExpiredToken'],
    ['credentials', 403, 'InvalidAccessKeyId'],
    ['credentials', 400, 'InvalidToken'],
    ['credentials', undefined, 'CredentialsUnavailable'],
    ['permission', 403, 'AccessDenied'],
    ['permission', 403, 'Unknown'],
    ['permission', 404, 'NoSuchBucket'],
    ['permission', 301, 'PermanentRedirect'],
    ['permission', 400, 'KMS.DisabledException'],
    ['permission', 403, 'SignatureDoesNotMatch'],
    ['permission', 501, 'NotImplemented'],
    ['damaged', 400, 'BadDigest'],
    ['damaged', 400, 'XAmzContentSHA256Mismatch'],
    ['damaged', undefined, 'ChecksumMismatch'],
    ['conflict', 409, 'ConditionalRequestConflict'],
    ['conflict', 412, 'PreconditionFailed'],
    ['poison', 400, 'KeyTooLongError'],
    ['poison', 400, 'EntityTooLarge'],
    ['refusal', 413, 'NoS3Answer'],
    ['refusal', 400, 'InvalidRequest'],
    ['refusal', 400, 'InvalidArgument'],
    ['transport', 400, 'NoS3Answer'],
    ['transport', 511, 'NoS3Answer'],
    ['transport', undefined, 'Unproven'],
    ['permission', 403, 'NoS3Answer'],
    ['permission', 302, 'NoS3Answer'],
    ['permission', 411, 'MissingContentLength'],
  ];
  for (const [wanted, status, code] of table) {
    it(`calls ${status ?? 'no answer'} ${code} ${wanted}`, () => {
      assert.equal(classify({ code, ...(status === undefined ? {} : { status }) }), wanted);
    });
  }

  it('says of the store only what holds for every object', () => {
    assert.equal(concernsStore(failureOf({ status: 503, code: 'SlowDown' })), true);
    assert.equal(concernsStore(failureOf({ status: 400, code: 'BadDigest' })), false);
    assert.equal(concernsStore(failureOf({ status: 400, code: 'KeyTooLongError' })), false);
  });
});

describe('parseRetryAfter', () => {
  it('reads seconds, and dates against the server clock', () => {
    assert.equal(parseRetryAfter('7', undefined), 7000);
    const asked = parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', 'Thu, 01 Jan 2026 00:00:00 GMT');
    assert.equal(asked, 30_000);
  });

  it('ignores what it cannot read, and does not wait more than an hour', () => {
    for (const header of ['soon', '-5', '']) assert.equal(parseRetryAfter(header, undefined), undefined);
    assert.equal(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', undefined), undefined);
    assert.equal(parseRetryAfter('999999', undefined), 3_600_000);
  });
});

describe('retryDelayMs', () => {
  const random = new SeededRandom(1);
  const transport = failureOf({ code: 'ECONNRESET' });

  it('is full jitter from 1 s to 300 s', () => {
    for (const [failures, cap] of [
      [1, 1000],
      [2, 2000],
      [5, 16_000],
      [9, 256_000],
      [10, 300_000],
      [1000, 300_000],
    ] as const) {
      const delays = Array.from({ length: 2000 }, () =>
        retryDelayMs(transport, failures, DEFAULT_RETRY_POLICY, random),
      );
      assert.ok(Math.max(...delays) < cap && Math.max(...delays) > 0.95 * cap);
      const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
      assert.ok(Math.abs(mean - cap / 2) < 0.05 * cap, `mean ${mean} of ${cap}`);
    }
  });

  it('never comes back before Retry-After', () => {
    const asked = failureOf({ status: 503, code: 'SlowDown', retryAfter: '120' });
    for (let index = 0; index < 500; index++)
      assert.ok(retryDelayMs(asked, 1, DEFAULT_RETRY_POLICY, random) >= 120_000);
  });

  it('probes a store that refuses at most every 5 minutes', () => {
    const denied = failureOf({ status: 403, code: 'AccessDenied' });
    for (let failures = 1; failures < 500; failures++)
      assert.ok(retryDelayMs(denied, failures, DEFAULT_RETRY_POLICY, random) >= 300_000);
  });
});
