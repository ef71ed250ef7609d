import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemRandom } from '../../src/system/mod.js';
import { longRun } from '../lib/fault-table.js';
import { patientMs } from '../lib/patience.js';
import { pythonAbsence, PythonHost, type PythonAnswer } from '../lib/python-host.js';
import { startTestS3, TEST_BUCKET, TEST_CREDENTIALS, type TestS3 } from '../lib/s3.js';

/** More than two pages as the clients list them, and as many as AWS's own page in a long run. */
const OBJECTS = longRun() ? 1000 : 210;
const PAGE = ['--page-size', '100'];
const OTHER = 'other-bucket';

/** Digest by name below a folder. */
async function digests(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    found.set(file.slice(folder.length + 1), digest(await readFile(file)));
  }
  return found;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function writeFiles(folder: string, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    // Signs that URLs, XML and forms encode in different ways.
    const name = `d${number % 7}/a b+c&d=ä (${number})'~.bin`;
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), Buffer.from(systemRandom.hex(number % 200)));
  }
}

const absence = pythonAbsence('awscli', 'boto3');

describe('local S3 with the AWS CLI and the SDK for Python', function () {
  let s3: TestS3;
  let python: PythonHost;
  let folder: string;
  const at = (...names: string[]): string => join(folder, ...names);

  before(async function () {
    if (absence !== undefined) {
      console.log(`    skipped: ${absence}`);
      return this.skip();
    }
    s3 = await startTestS3({ buckets: [TEST_BUCKET, OTHER] });
    folder = await mkdtemp(join(tmpdir(), 's3-clients-'));
    // Without it they sign URLs as S3 takes them no more.
    await writeFile(at('config'), '[default]\ns3 =\n  signature_version = s3v4\n');
    python = new PythonHost({ ...environmentOf(s3), AWS_CONFIG_FILE: at('config') });
    await python.run(
      'import boto3, urllib.request, hashlib\ns3 = boto3.client("s3", config=boto3.session.Config(signature_version="s3v4"))',
    );
  });
  after(async () => {
    if (absence !== undefined) return;
    await python[Symbol.asyncDispose]();
    await s3[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    for (const bucket of [TEST_BUCKET, OTHER])
      await python.run(`
for page in s3.get_paginator("list_objects_v2").paginate(Bucket="${bucket}"):
    keys = [{"Key": one["Key"]} for one in page.get("Contents", [])]
    if keys: s3.delete_objects(Bucket="${bucket}", Delete={"Objects": keys})
`);
  });

  const aws = async (...command: string[]): Promise<string> => {
    const answer = await python.aws(...command);
    assert.equal(answer.code, 0, `aws ${command.join(' ')}: ${answer.errors}${answer.output}`);
    return answer.output;
  };
  const refused = async (...command: string[]): Promise<PythonAnswer> => {
    const answer = await python.aws(...command);
    assert.notEqual(answer.code, 0, `aws ${command.join(' ')} succeeded`);
    return answer;
  };
  const stored = async (bucket: string, prefix: string): Promise<Map<string, string>> => {
    const found = new Map<string, string>();
    for (const { key } of s3.s3.objects(bucket)) {
      const bytes = await readFile(s3.s3.path(bucket, key));
      if (key.startsWith(prefix)) found.set(key.slice(prefix.length), digest(bytes));
    }
    return found;
  };

  it(`moves ${OBJECTS} objects by cp, mv, sync and rm and loses none`, async function () {
    this.timeout(patientMs(60_000));
    await writeFiles(at('up'), OBJECTS);
    const wanted = await digests(at('up'));
    assert.equal(wanted.size, OBJECTS);
    await aws('s3', 'cp', '--recursive', '--quiet', at('up'), `s3://${TEST_BUCKET}/a/`);
    assert.deepEqual(await stored(TEST_BUCKET, 'a/'), wanted);
    await aws('s3', 'mv', '--recursive', '--quiet', ...PAGE, `s3://${TEST_BUCKET}/a/`, `s3://${OTHER}/b/`);
    assert.deepEqual(await stored(OTHER, 'b/'), wanted);
    assert.equal(s3.s3.objects(TEST_BUCKET).length, 0);
    await aws('s3', 'sync', '--quiet', ...PAGE, `s3://${OTHER}/b/`, at('down'));
    assert.deepEqual(await digests(at('down')), wanted);
    const before = s3.s3.log.length;
    await aws('s3', 'sync', '--quiet', ...PAGE, at('down'), `s3://${OTHER}/b/`);
    const listed = s3.s3.log.slice(before).map(({ operation }) => operation);
    assert.deepEqual(
      listed,
      Array.from({ length: Math.ceil(OBJECTS / 100) }, () => 'ListObjectsV2'),
    );
    await aws('s3', 'rm', '--recursive', '--quiet', ...PAGE, `s3://${OTHER}/b/`);
    assert.equal(s3.s3.objects(OTHER).length, 0);
  });

  it('moves a large object in parts, up, across and down', async () => {
    const bytes = Buffer.alloc(20 * 1024 * 1024 + 7, systemRandom.hex(1000));
    await writeFile(at('large'), bytes);
    await aws('s3', 'cp', '--quiet', '--metadata', 'made=here', at('large'), `s3://${TEST_BUCKET}/large`);
    assert.match(s3.s3.objects(TEST_BUCKET)[0]?.etag ?? '', /^[0-9a-f]{32}-3$/);
    assert.equal(s3.s3.objects(TEST_BUCKET)[0]?.headers['x-amz-meta-made'], 'here');
    await aws('s3', 'mv', '--quiet', `s3://${TEST_BUCKET}/large`, `s3://${OTHER}/moved`);
    assert.ok(s3.s3.log.some(({ operation }) => operation === 'UploadPartCopy'));
    assert.equal(s3.s3.objects(TEST_BUCKET).length, 0);
    await aws('s3', 'cp', '--quiet', `s3://${OTHER}/moved`, at('back'));
    assert.equal(digest(await readFile(at('back'))), digest(bytes));
  });

  it('lists buckets, folders and objects', async () => {
    for (const key of ['p/one', 'p/two', 'q'])
      await python.run(`s3.put_object(Bucket="${TEST_BUCKET}", Key="${key}", Body=b"abc")`);
    assert.match(await aws('s3', 'ls'), new RegExp(`^\\d{4}-.*${TEST_BUCKET}$`, 'm'));
    assert.match(await aws('s3', 'ls', `s3://${TEST_BUCKET}`), /PRE p\/\n.*3 q\n/);
    const all = JSON.parse(
      await aws('s3api', 'list-objects', '--bucket', TEST_BUCKET, '--page-size', '1'),
    ) as {
      Contents: { Key: string }[];
    };
    assert.deepEqual(
      all.Contents.map(({ Key }) => Key),
      ['p/one', 'p/two', 'q'],
    );
  });

  it('refuses put-object-retention with 501 and leaves the object as it was', async () => {
    await python.run(`s3.put_object(Bucket="${TEST_BUCKET}", Key="kept", Body=b"abc")`);
    const retention = '{"Mode":"GOVERNANCE","RetainUntilDate":"2030-01-01"}';
    const target = ['--bucket', TEST_BUCKET, '--key', 'kept'];
    const { errors } = await refused('s3api', 'put-object-retention', ...target, '--retention', retention);
    assert.match(errors, /NotImplemented/);
    assert.equal(await readFile(s3.s3.path(TEST_BUCKET, 'kept'), 'utf8'), 'abc');
  });

  it('gives URLs that anybody may fetch until they expire', async () => {
    await python.run(`s3.put_object(Bucket="${TEST_BUCKET}", Key="x y+z", Body=b"abc")`);
    const url = (await aws('s3', 'presign', '--expires-in', '60', `s3://${TEST_BUCKET}/x y+z`)).trim();
    assert.equal(await (await fetch(url)).text(), 'abc');
    const other = await fetch(url.replace('x%20y', 'x%20x'));
    assert.match(await other.text(), /SignatureDoesNotMatch/);
    const put = await python.run(
      `result = s3.generate_presigned_url("put_object", {"Bucket": "${TEST_BUCKET}", "Key": "by-url"}, 60)`,
    );
    assert.equal((await fetch(String(put), { method: 'PUT', body: 'put by url' })).status, 200);
    assert.equal(await readFile(s3.s3.path(TEST_BUCKET, 'by-url'), 'utf8'), 'put by url');
  });

  it('makes, finds and deletes buckets as S3 does', async () => {
    const codes = await python.run(`
def code(call, **arguments):
    try:
        call(**arguments)
        return "done"
    except Exception as error:
        return error.response["Error"]["Code"]
where = {"LocationConstraint": "eu-west-1"}
result = [
    code(s3.create_bucket, Bucket="boto-bucket"),
    code(s3.create_bucket, Bucket="boto-bucket", CreateBucketConfiguration=where),
    code(s3.create_bucket, Bucket="boto-bucket", CreateBucketConfiguration=where),
    code(s3.head_bucket, Bucket="boto-bucket"),
    s3.get_bucket_location(Bucket="boto-bucket")["LocationConstraint"],
    code(s3.put_object, Bucket="boto-bucket", Key="k", Body=b"x"),
    code(s3.delete_bucket, Bucket="boto-bucket"),
    code(s3.delete_object, Bucket="boto-bucket", Key="k"),
    code(s3.delete_object, Bucket="boto-bucket", Key="k"),
    code(s3.delete_bucket, Bucket="boto-bucket"),
    code(s3.head_bucket, Bucket="boto-bucket"),
    code(s3.list_objects, Bucket="boto-bucket"),
]
`);
    assert.deepEqual(codes, [
      'IllegalLocationConstraintException',
      'done',
      'BucketAlreadyOwnedByYou',
      'done',
      'eu-west-1',
      'done',
      'BucketNotEmpty',
      'done',
      'done',
      'done',
      '404',
      'NoSuchBucket',
    ]);
  });
});

const minioAbsence = pythonAbsence('minio');

describe("local S3 with MinIO's client, which shares no code with AWS's", function () {
  let s3: TestS3;
  let python: PythonHost;

  before(async function () {
    if (minioAbsence !== undefined) {
      console.log(`    skipped: ${minioAbsence}`);
      return this.skip();
    }
    s3 = await startTestS3();
    python = new PythonHost(environmentOf(s3));
    await python.run(`
import io, os, urllib3
from minio import Minio
from minio.commonconfig import ComposeSource, CopySource, Tags
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
minio = Minio("127.0.0.1:${s3.s3.port}", os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"],
              os.environ["AWS_SESSION_TOKEN"], secure=False, region="eu-west-1")
B = "minio-bucket"
minio.make_bucket(B, "eu-west-1")
def put(key, data, **more): return minio.put_object(B, key, io.BytesIO(data), len(data), **more)
def get(key, **more): return minio.get_object(B, key, **more).read()
`);
  });
  after(async () => {
    if (minioAbsence !== undefined) return;
    await python[Symbol.asyncDispose]();
    await s3[Symbol.asyncDispose]();
  });

  it('puts, reads, copies, lists and deletes', async () => {
    const told = await python.run(`
for number in range(5): put(f"p/{number} ä+", b"bytes %d" % number, metadata={"made": "here"})
minio.copy_object(B, "copy", CopySource(B, "p/3 ä+"))
result = [
    get("copy").decode(), get("p/1 ä+", offset=6, length=1).decode(),
    minio.stat_object(B, "copy").metadata["x-amz-meta-made"],
    [one.object_name for one in minio.list_objects(B)],
    [one.object_name for one in minio.list_objects(B, recursive=True, use_api_v1=True, start_after="p/2")],
    [one.name for one in minio.list_buckets() if one.creation_date],
    [str(one) for one in minio.remove_objects(B, [DeleteObject(f"p/{number} ä+") for number in range(5)])],
    [one.object_name for one in minio.list_objects(B)],
]
`);
    assert.deepEqual(told, [
      'bytes 3',
      '1',
      'here',
      ['copy', 'p/'],
      ['p/2 ä+', 'p/3 ä+', 'p/4 ä+'],
      [TEST_BUCKET, 'minio-bucket'],
      [],
      ['copy'],
    ]);
  });

  it('uploads in parts, joins objects in the store, tags them and fetches by URL', async () => {
    const told = await python.run(`
large = os.urandom(6 * 1024 * 1024)
put("large", large + b"end", part_size=5 * 1024 * 1024)
minio.compose_object(B, "joined", [ComposeSource(B, "large"), ComposeSource(B, "large")])
tags = Tags.new_object_tags()
tags["a"] = "1"
minio.set_object_tags(B, "large", tags)
url = minio.presigned_get_object(B, "large")
result = [
    minio.stat_object(B, "large").etag[-2:], get("joined") == (large + b"end") * 2,
    dict(minio.get_object_tags(B, "large")), urllib3.request("GET", url).data == large + b"end",
]
`);
    assert.deepEqual(told, ['-2', true, { a: '1' }, true]);
  });
});

/** What makes clients for Python talk to it, and read nothing of this machine's user. */
function environmentOf(s3: TestS3): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_S3: s3.s3.endpoint,
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
    AWS_SESSION_TOKEN: TEST_CREDENTIALS.sessionToken,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
    NO_PROXY: '127.0.0.1',
  };
}
