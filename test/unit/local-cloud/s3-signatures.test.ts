import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { ManualClock } from '../../../src/core/mod.js';
import { startTestS3, type TestS3 } from '../../lib/s3.js';

/** The examples of AWS's documentation of Signature Version 4 for S3, with its keys. */
const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
} as const;
const SIGNED_AT = Date.UTC(2013, 4, 24);
const Bucket = 'examplebucket';
const SCOPE = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request';
const BODY = 'a'.repeat(66_560);

interface Chunks {
  readonly first: string;
  readonly second: string;
  readonly last: string;
  readonly trailer?: string;
}

const PLAIN: Chunks = {
  first: 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
  second: '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
  last: 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
};
const PLAIN_HEADERS = {
  host: 's3.amazonaws.com',
  'x-amz-date': '20130524T000000Z',
  'x-amz-storage-class': 'REDUCED_REDUNDANCY',
  'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'content-encoding': 'aws-chunked',
  'x-amz-decoded-content-length': '66560',
  'content-length': '66824',
  authorization: `AWS4-HMAC-SHA256 Credential=${SCOPE},SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9`,
};

const TRAILED: Chunks = {
  first: 'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
  second: '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
  last: '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
  trailer: 'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435',
};
const TRAILED_HEADERS = {
  host: 's3.amazonaws.com',
  'x-amz-date': '20130524T000000Z',
  'x-amz-storage-class': 'REDUCED_REDUNDANCY',
  'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'content-encoding': 'aws-chunked',
  'x-amz-decoded-content-length': '66560',
  'x-amz-trailer': 'x-amz-checksum-crc32c',
  'transfer-encoding': 'chunked',
  authorization: `AWS4-HMAC-SHA256 Credential=${SCOPE},SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer,Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e`,
};

function bodyOf({ first, second, last, trailer }: Chunks, bytes = BODY): string {
  const chunk = (signature: string, data: string): string =>
    `${data.length.toString(16)};chunk-signature=${signature}\r\n${data}${data === '' ? '' : '\r\n'}`;
  const trailers =
    trailer === undefined ? '' : `x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:${trailer}\r\n`;
  return `${chunk(first, bytes.slice(0, 65_536))}${chunk(second, bytes.slice(65_536))}${chunk(last, '')}${trailers}\r\n`;
}

describe("local S3 and the examples of AWS's documentation", () => {
  const clock = new ManualClock(SIGNED_AT);
  let test: TestS3;
  beforeEach(async () => {
    clock.jumpWall(SIGNED_AT);
    test = await startTestS3({ clock, region: 'us-east-1', credentials: [CREDENTIALS], buckets: [Bucket] });
  });
  afterEach(async () => test[Symbol.asyncDispose]());

  const send = (
    method: string,
    path: string,
    headers: Record<string, string>,
    body = '',
  ): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: test.s3.port, method, path, headers }, (answer) => {
        let text = '';
        answer.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const put = (headers: Record<string, string>, body: string): ReturnType<typeof send> =>
    send('PUT', `/${Bucket}/chunkObject.txt`, headers, body);

  it('takes a body whose chunks are signed', async () => {
    const { status, text } = await put(PLAIN_HEADERS, bodyOf(PLAIN));
    assert.equal(status, 200, text);
    assert.equal(await readFile(test.s3.path(Bucket, 'chunkObject.txt'), 'utf8'), BODY);
    assert.equal(test.s3.objects(Bucket)[0]?.headers['x-amz-storage-class'], 'REDUCED_REDUNDANCY');
    assert.equal(test.s3.objects(Bucket)[0]?.headers['content-encoding'], undefined);
  });

  it('takes a body whose chunks and trailers are signed', async () => {
    const { status, text } = await put(TRAILED_HEADERS, bodyOf(TRAILED));
    assert.equal(status, 200, text);
    assert.equal(await readFile(test.s3.path(Bucket, 'chunkObject.txt'), 'utf8'), BODY);
  });

  for (const [what, headers, body, code] of [
    ['a chunk was changed', PLAIN_HEADERS, bodyOf(PLAIN, `b${BODY.slice(1)}`), 'SignatureDoesNotMatch'],
    [
      'the last chunk has the signature of another',
      PLAIN_HEADERS,
      bodyOf({ ...PLAIN, last: PLAIN.first }),
      'SignatureDoesNotMatch',
    ],
    [
      'a trailer has no signature',
      TRAILED_HEADERS,
      bodyOf(TRAILED).replace(/x-amz-trailer-signature.*\r\n/, ''),
      'SignatureDoesNotMatch',
    ],
    [
      'the trailer does not come',
      TRAILED_HEADERS,
      bodyOf(TRAILED).replace(/x-amz-(checksum|trailer).*\r\n/g, ''),
      'MalformedTrailerError',
    ],
    ['it ends early', TRAILED_HEADERS, bodyOf(TRAILED).slice(0, 66_000), 'IncompleteBody'],
  ] as const) {
    it(`refuses a body and stores nothing where ${what}`, async () => {
      const { text } = await put(headers, body);
      assert.match(text, new RegExp(`<Code>${code}</Code>`));
      assert.equal(test.s3.objects(Bucket).length, 0);
    });
  }

  describe('presigned', () => {
    const query = (more: Record<string, string> = {}): string =>
      Object.entries({
        'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
        'X-Amz-Credential': SCOPE.replaceAll('/', '%2F'),
        'X-Amz-Date': '20130524T000000Z',
        'X-Amz-Expires': '86400',
        'X-Amz-SignedHeaders': 'host',
        'X-Amz-Signature': 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
        ...more,
      })
        .map(([name, value]) => `${name}=${value}`)
        .join('&');
    const host = { host: `${Bucket}.s3.amazonaws.com` };
    const codeOf = ({ text }: { text: string }): string => /<Code>(.*)<\/Code>/.exec(text)?.[1] ?? text;

    it('finds the bucket in the host, and reaches its object until the URL expires', async () => {
      assert.equal(codeOf(await send('GET', `/test.txt?${query()}`, host)), 'NoSuchKey');
      clock.jumpWall(SIGNED_AT + 86_400_000);
      assert.equal(codeOf(await send('GET', `/test.txt?${query()}`, host)), 'NoSuchKey');
      clock.jumpWall(SIGNED_AT + 86_401_000);
      const late = await send('GET', `/test.txt?${query()}`, host);
      assert.match(late.text, /<Message>Request has expired<\/Message><X-Amz-Expires>86400</);
      clock.jumpWall(SIGNED_AT - 16 * 60_000);
      assert.match((await send('GET', `/test.txt?${query()}`, host)).text, /Request is not yet valid/);
    });

    for (const [what, path, headers, code] of [
      ['of another key', `/other.txt?${query()}`, host, 'SignatureDoesNotMatch'],
      ['with a parameter that was not signed', `/test.txt?${query()}&acl`, host, 'SignatureDoesNotMatch'],
      [
        'with a header that was not signed',
        `/test.txt?${query()}`,
        { ...host, 'x-amz-meta-a': 'b' },
        'AccessDenied',
      ],
      [
        'of more than a week',
        `/test.txt?${query({ 'X-Amz-Expires': '604801' })}`,
        host,
        'AuthorizationQueryParametersError',
      ],
      [
        'of no time',
        `/test.txt?${query({ 'X-Amz-Expires': 'soon' })}`,
        host,
        'AuthorizationQueryParametersError',
      ],
      [
        'of less than no time',
        `/test.txt?${query({ 'X-Amz-Expires': '-1' })}`,
        host,
        'AuthorizationQueryParametersError',
      ],
      [
        'of another region',
        `/test.txt?${query({ 'X-Amz-Credential': SCOPE.replace('us-east-1', 'eu-west-1') })}`,
        host,
        'AuthorizationQueryParametersError',
      ],
      [
        'with a cut signature',
        `/test.txt?${query({ 'X-Amz-Signature': 'aeee' })}`,
        host,
        'SignatureDoesNotMatch',
      ],
      [
        'of unknown keys',
        `/test.txt?${query({ 'X-Amz-Credential': SCOPE.replace('AKIA', 'BKIA') })}`,
        host,
        'InvalidAccessKeyId',
      ],
      [
        'beside a header that signs',
        `/test.txt?${query()}`,
        { ...host, authorization: PLAIN_HEADERS.authorization },
        'InvalidArgument',
      ],
      [
        'of the former version',
        '/test.txt?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=x&Expires=1',
        host,
        'InvalidRequest',
      ],
    ] as const) {
      it(`refuses a URL ${what}`, async () => {
        assert.equal(codeOf(await send('GET', path, headers)), code);
      });
    }
  });
});
