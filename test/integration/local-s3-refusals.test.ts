import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as sdk from '@aws-sdk/client-s3';
import { OPERATIONS } from '../../src/local/cloud/s3/operation-table.js';
import { startTestS3, TEST_BUCKET as Bucket, type TestS3 } from '../lib/s3.js';

const Key = 'kept';
const BYTES = 'these bytes stay';

/** Something for every member that some command needs; members of other commands are left out by the client. */
const INPUT = {
  Bucket,
  Key,
  Id: 'id',
  Name: 'name',
  UploadId: 'none',
  PartNumber: 1,
  CopySource: `${Bucket}/${Key}`,
  RenameSource: `${Bucket}/${Key}`,
  RequestRoute: 'route',
  RequestToken: 'token',
  ContentMD5: createHash('md5').update(BYTES).digest('base64'),
  ObjectAttributes: ['ETag'],
  Expression: 'SELECT 1',
  ExpressionType: 'SQL',
  VersioningConfiguration: { Status: 'Enabled' },
  Retention: { Mode: 'GOVERNANCE', RetainUntilDate: new Date('2030-01-01') },
  LegalHold: { Status: 'ON' },
  Policy: '{}',
};

type Command = new (input: object) => sdk.GetObjectCommand;

/** All that the official client can ask, but what this server does. */
function otherCommands(): [string, Command][] {
  const names = Object.keys(sdk).filter((name) => /^[A-Z]\w+Command$/.test(name));
  return names
    .map((name): [string, Command] => [name.replace(/Command$/, ''), (sdk as never)[name] as Command])
    .filter(([name]) => !(name in OPERATIONS));
}

async function codeOf(sent: Promise<unknown>): Promise<string> {
  try {
    await sent;
    return 'done';
  } catch (error) {
    return (error as Error).name;
  }
}

describe('local S3 and what it does not do', () => {
  let test: TestS3;
  let client: sdk.S3Client;
  before(async () => {
    test = await startTestS3();
    client = test.client();
  });
  after(async () => test[Symbol.asyncDispose]());
  beforeEach(async () => {
    await client.send(new sdk.PutObjectCommand({ Bucket, Key, Body: BYTES }));
  });
  afterEach(async () => {
    assert.deepEqual(
      test.s3.objects(Bucket).map(({ key }) => key),
      [Key],
    );
    assert.equal(await readFile(test.s3.path(Bucket, Key), 'utf8'), BYTES);
  });

  it('answers every other command of the official client with 501, and touches nothing', async () => {
    const commands = otherCommands();
    const odd: string[] = [];
    let refused = 0;
    for (const [name, Made] of commands) {
      const before = test.s3.log.length;
      const code = await codeOf(client.send(new Made(INPUT)));
      // Commands of other hosts, and those that the client refuses itself, never come here.
      if (test.s3.log.length === before) continue;
      const { status = 0 } = test.s3.log.at(-1) ?? {};
      if (status === 501) refused++;
      else odd.push(`${name} ${status} ${code}`);
    }
    assert.deepEqual(odd, []);
    assert.ok(refused > 60, `only ${refused} of ${commands.length} arrived`);
  });

  const put = (more: object): Promise<string> =>
    codeOf(client.send(new sdk.PutObjectCommand({ Bucket, Key, Body: 'other bytes', ...more })));
  const sseC = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: 'k'.repeat(32) };

  for (const [what, more, code] of [
    [
      'a retention, on a bucket without object lock',
      { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: new Date() },
      'InvalidRequest',
    ],
    ['a legal hold', { ObjectLockLegalHoldStatus: 'ON' }, 'InvalidRequest'],
    ['a public ACL', { ACL: 'public-read' }, 'AccessControlListNotSupported'],
    ['a grant', { GrantRead: 'id=x' }, 'AccessControlListNotSupported'],
    ['a key of the customer over plain HTTP', sseC, 'InvalidRequest'],
    ['a storage class that is slow to read', { StorageClass: 'GLACIER' }, 'NotImplemented'],
    ['a storage class that is none', { StorageClass: 'QUICK' }, 'InvalidStorageClass'],
    ['a redirect', { WebsiteRedirectLocation: '/x' }, 'NotImplemented'],
    ['an append', { WriteOffsetBytes: 0 }, 'NotImplemented'],
    ['an encryption that is none', { ServerSideEncryption: 'ROT13' }, 'InvalidArgument'],
    ['a KMS key without KMS', { SSEKMSKeyId: 'key-1' }, 'InvalidArgument'],
    ['the account of another', { ExpectedBucketOwner: '999999999999' }, 'AccessDenied'],
    ['more metadata than 2 KiB', { Metadata: { a: 'x'.repeat(2048) } }, 'MetadataTooLarge'],
    ['a digest that is none', { ContentMD5: 'x' }, 'InvalidDigest'],
    ['a digest of other bytes', { ContentMD5: createHash('md5').update('x').digest('base64') }, 'BadDigest'],
    ['a condition that S3 has for reads only', { IfNoneMatch: '"etag"' }, 'NotImplemented'],
    ['a tag twice', { Tagging: 'a=1&a=2' }, 'InvalidTag'],
    ['a key of 1025 bytes', { Key: 'ä'.repeat(512) + 'x' }, 'KeyTooLongError'],
    ['a key above the bucket', { Key: 'a/../../x' }, 'InvalidURI'],
    ['a bucket that can be none', { Bucket: 'No_Bucket' }, 'InvalidBucketName'],
  ] as const) {
    it(`refuses a put with ${what}: ${code}`, async () => {
      assert.equal(await put(more), code);
    });
  }

  it('refuses several checksums, and one that is announced and does not come', async () => {
    const raw = async (headers: Record<string, string>): Promise<string> => {
      const own = test.client();
      own.middlewareStack.add(
        (next) => (args) => {
          Object.assign((args.request as { headers: object }).headers, headers);
          return next(args);
        },
        { step: 'build', priority: 'low' },
      );
      return await codeOf(own.send(new sdk.PutObjectCommand({ Bucket, Key, Body: 'x' })));
    };
    assert.equal(await raw({ 'x-amz-checksum-sha1': 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }), 'InvalidRequest');
    assert.equal(await raw({ 'x-amz-sdk-checksum-algorithm': 'SHA256' }), 'InvalidRequest');
    assert.equal(await raw({ 'x-amz-new-feature': 'on' }), 'NotImplemented');
  });

  it('tells errors as S3 does, by a document and by headers', async () => {
    const error = await client.send(new sdk.GetObjectCommand({ Bucket, Key: 'absent' })).then(
      () => assert.fail('it is there'),
      (thrown: sdk.S3ServiceException) => thrown,
    );
    assert.ok(error instanceof sdk.NoSuchKey);
    const { requestId, extendedRequestId, httpStatusCode } = error.$metadata;
    assert.equal(httpStatusCode, 404);
    assert.match(requestId ?? '', /^[0-9A-F]{16}$/);
    assert.ok((extendedRequestId ?? '').length > 20);
    const patched = await fetch(`${test.s3.endpoint}/${Bucket}/${Key}`, { method: 'PATCH' });
    assert.equal(patched.status, 403);
  });
});
