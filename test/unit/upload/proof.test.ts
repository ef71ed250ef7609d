import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mayFollow } from '../../../src/upload/region.js';
import { proofOf } from '../../../src/upload/proof.js';
import { putRequest } from '../../lib/object-store-contract.js';

const request = putRequest('key', 'a');
const etag = `"${createHash('md5').update('a').digest('hex')}"`;
const otherEtag = `"${createHash('md5').update('b').digest('hex')}"`;

describe('proofOf', () => {
  const table: readonly [what: string, reported: Parameters<typeof proofOf>[1], wanted: string][] = [
    ['nothing at all, as a captive portal', {}, 'none'],
    ['a size alone', { sizeBytes: 1 }, 'none'],
    ['an empty ETag', { etag: '""' }, 'none'],
    ['the checksum', { sha256: request.sha256 }, 'this'],
    ['another checksum beside the right ETag', { sha256: 'AAAA', etag }, 'other'],
    ['the ETag', { etag }, 'this'],
    ['the ETag of other bytes', { etag: otherEtag }, 'other'],
    ['the ETag of another size', { etag, sizeBytes: 2 }, 'other'],
    ['an ETag that is no MD5', { etag: '"abc-2"' }, 'none'],
    ['an ETag under KMS', { etag: otherEtag, encryption: 'aws:kms' }, 'none'],
    [
      'an ETag under KMS, after the MD5 was compared',
      { etag: otherEtag, encryption: 'aws:kms', checkedMd5: true },
      'this',
    ],
    ['encryption without an ETag', { encryption: 'aws:kms', checkedMd5: true }, 'none'],
  ];
  for (const [what, reported, wanted] of table) {
    it(`takes ${what} for ${wanted}`, () => assert.equal(proofOf(request, reported), wanted));
  }
});

describe('mayFollow', () => {
  const table: readonly [from: string, to: string, endpoint: string | undefined, wanted: boolean][] = [
    ['us-east-1', 'eu-west-1', undefined, true],
    ['us-east-1', 'us-east-1', undefined, false],
    ['us-east-1', 'cn-north-1', undefined, false],
    ['us-gov-west-1', 'us-east-1', undefined, false],
    ['us-gov-west-1', 'us-gov-east-1', undefined, true],
    ['cn-north-1', 'cn-northwest-1', undefined, true],
    ['us-east-1', 'evil.example/x', undefined, false],
    ['us-east-1', 'eu-west-1', 'http://127.0.0.1:9000', false],
  ];
  for (const [from, to, endpoint, wanted] of table) {
    it(`says ${wanted} from ${from} to ${to}${endpoint === undefined ? '' : ' of an own endpoint'}`, () => {
      assert.equal(mayFollow(from, to, endpoint), wanted);
    });
  }
});
