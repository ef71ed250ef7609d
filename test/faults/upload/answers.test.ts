import assert from 'node:assert/strict';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { Uploader } from '../../../src/upload/mod.js';
import { reportFaultRow } from '../../lib/fault-table.js';
import { FrontServer, type FrontAnswer } from '../../lib/front-server.js';
import { startTestS3 } from '../../lib/s3.js';
import { clean, falseReceipts, judgeS3, WatchedStore } from '../../lib/upload-oracle.js';
import { memoryLogger, memorySpool } from '../../lib/upload.js';
import { until } from '../../lib/until.js';

const QUICK = { baseMs: 2, capMs: 10, permissionProbeMs: 10, poisonTries: 3 };
const SEGMENTS = 6;
/** Answers that a device meets before its network is well again. */
const ANSWERS = 12;

const html = { 'content-type': 'text/html' };
const text = { 'content-type': 'text/plain' };
const xmlType = { 'content-type': 'application/xml' };
const page = '<html><head><title>Welcome</title></head><body>Please log in</body></html>';
const document = (code: string, more = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message>${more}<RequestId>1</RequestId></Error>`;
const named = (status: number, code: string, more = ''): FrontAnswer => ({
  status,
  headers: xmlType,
  body: document(code, more),
});

/** What stands in the way, with a word that the reason must hold; all of it holds captures, none of it loses them. */
const KINDS: readonly [kind: string, answer: FrontAnswer, reason: RegExp][] = [
  ['a captive portal’s page', { status: 200, headers: html, body: page }, /captive portal/],
  ['an empty 200', { status: 200 }, /captive portal/],
  ['a 200 with an empty ETag', { status: 200, headers: { etag: '""' } }, /captive portal/],
  ['a 200 with an ETag that is no digest', { status: 200, headers: { etag: '"v1"' } }, /captive portal/],
  [
    'a 200 with JSON',
    { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' },
    /captive portal/,
  ],
  ['a 200 that is cut off', { status: 200, headers: html, body: page, cut: true }, /./],
  ['a 201', { status: 201 }, /captive portal/],
  ['a 202', { status: 202, headers: text, body: 'queued' }, /captive portal/],
  ['a 204', { status: 204 }, /captive portal/],
  [
    'a 200 with the ETag of other bytes',
    { status: 200, headers: { etag: '"0123456789abcdef0123456789abcdef"' } },
    /as they were sent/,
  ],
  [
    'a 200 with another checksum',
    { status: 200, headers: { 'x-amz-checksum-sha256': 'AAAA' } },
    /as they were sent/,
  ],
  [
    'a redirect to a login',
    { status: 302, headers: { ...html, location: 'http://login.invalid/' } },
    /no S3 store/,
  ],
  ['a 303', { status: 303, headers: { location: 'http://login.invalid/' } }, /no S3 store/],
  [
    'a 307 without a document',
    { status: 307, headers: { location: 'http://login.invalid/' } },
    /no S3 store/,
  ],
  ['a 308', { status: 308, headers: { location: 'http://login.invalid/' } }, /no S3 store/],
  [
    'another region, by 301',
    { ...named(301, 'PermanentRedirect'), headers: { ...xmlType, 'x-amz-bucket-region': 'eu-central-1' } },
    /region eu-central-1/,
  ],
  [
    'another region, by 307',
    { ...named(307, 'TemporaryRedirect'), headers: { ...xmlType, 'x-amz-bucket-region': 'eu-central-1' } },
    /region eu-central-1/,
  ],
  [
    'another region, by 400',
    named(400, 'AuthorizationHeaderMalformed', '<Region>eu-central-1</Region>'),
    /region eu-central-1/,
  ],
  ['another region, without its name', named(301, 'PermanentRedirect'), /region/],
  [
    'plain http on a TLS port',
    { status: 400, headers: text, body: 'Client sent an HTTP request to an HTTPS server.' },
    /http or https/,
  ],
  ['a 400 with a page', { status: 400, headers: html, body: page }, /no S3 store/],
  ['an empty 400', { status: 400 }, /no S3 store/],
  [
    'a 400 with cut XML',
    { status: 400, headers: xmlType, body: '<?xml version="1.0"?><Error><Code>Inv' },
    /no S3 store/,
  ],
  [
    'a 400 with XML of somebody else',
    { status: 400, headers: xmlType, body: '<Fault><Why>x</Why></Fault>' },
    /no S3 store/,
  ],
  [
    'a 400 with JSON',
    { status: 400, headers: { 'content-type': 'application/json' }, body: '{"error":"x"}' },
    /no S3 store/,
  ],
  ['a 400 that names nobody, to every put', named(400, 'InvalidRequest'), /this object, or all of them/],
  ['an unknown code, to every put', named(400, 'XStoreIsOdd'), /this object, or all of them/],
  ['an argument that no put has right', named(400, 'InvalidArgument'), /this object, or all of them/],
  ['a 401 of a proxy', { status: 401, headers: html, body: page }, /no S3 store/],
  ['a 402', { status: 402, headers: text, body: 'pay' }, /no S3 store/],
  ['a 403 with a page', { status: 403, headers: html, body: page }, /no S3 store/],
  [
    'a 403 with JSON',
    { status: 403, headers: { 'content-type': 'application/json' }, body: '{"message":"Forbidden"}' },
    /no S3 store/,
  ],
  ['a role without the right', named(403, 'AccessDenied'), /check bucket, role/],
  ['a 404 with a page', { status: 404, headers: html, body: page }, /no S3 store/],
  ['a bucket that is not there', named(404, 'NoSuchBucket'), /check bucket/],
  ['a 405', named(405, 'MethodNotAllowed'), /check bucket/],
  ['a 405 with a page', { status: 405, headers: html, body: page }, /no S3 store/],
  [
    'a proxy that wants a password',
    { status: 407, headers: { 'proxy-authenticate': 'Basic' } },
    /user and a password/,
  ],
  ['a 408', { status: 408 }, /cannot be reached/],
  ['a 410', { status: 410, headers: html, body: page }, /no S3 store/],
  ['a 411', named(411, 'MissingContentLength'), /check bucket/],
  ['a 411 with a page', { status: 411, headers: html, body: page }, /no S3 store/],
  [
    'a 413 of a proxy, to every put',
    { status: 413, headers: html, body: page },
    /this object, or all of them/,
  ],
  ['a 418', { status: 418, headers: text, body: 'tea' }, /no S3 store/],
  ['a 421', { status: 421 }, /no S3 store/],
  ['a 426', { status: 426, headers: text, body: 'upgrade' }, /no S3 store/],
  ['a 429 with a page', { status: 429, headers: html, body: page }, /fewer requests/],
  ['a 451', { status: 451, headers: html, body: page }, /no S3 store/],
  ['expired credentials', named(400, 'ExpiredToken'), /credentials/],
  ['a 500 with a page', { status: 500, headers: html, body: page }, /trouble of its own/],
  ['a 501 to everything', named(501, 'NotImplemented'), /lacks something/],
  ['a 501 with a page', { status: 501, headers: html, body: page }, /no S3 store/],
  ['a 502 of a gateway', { status: 502, headers: html, body: page }, /trouble of its own/],
  ['a 504 of a gateway', { status: 504, headers: html, body: page }, /trouble of its own/],
  ['a network that wants a login', { status: 511, headers: html, body: page }, /trouble of its own/],
];

/** R23 of the promises: only what proves that an object is there delivers it, and only an object's own fault is its poison. */
describe('R23: answers that are no store’s', () => {
  it(`hold every capture, and lose none: ${KINDS.length} kinds`, async () => {
    const wrong: string[] = [];
    let answers = 0;
    for (const [kind, answer, reason] of KINDS) {
      const { problem, count } = await meet(answer, reason);
      answers += count;
      if (problem !== undefined) wrong.push(`${kind}: ${problem}`);
    }
    assert.deepEqual(wrong, []);
    reportFaultRow({
      row: 'R23',
      cycles: answers,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `${KINDS.length} kinds, 0 receipts without proof`,
    });
  });

  it('deliver to a store that has no conditions', async () => {
    await using test = await startTestS3();
    await using front = await FrontServer.start(test.s3.endpoint);
    const source = memorySpool(SEGMENTS);
    const { logger } = memoryLogger(systemClock);
    let refusals = 0;
    test.s3.setFaults(({ headers }) => {
      if (headers['if-none-match'] === undefined) return undefined;
      refusals++;
      return { kind: 'status', status: 501, code: 'NotImplemented' };
    });
    await using uploader = startOn(front, source, logger);
    await until(() => source.receipts.size === SEGMENTS, 'all have receipts');
    await uploader.close();
    clean(await judgeS3(source, test.s3));
    assert.ok(refusals <= 8, `the store refused ${refusals} conditions: it must be remembered`);
  });
});

/** Everything meets the answer for a while, then goes through. @returns what went wrong */
async function meet(
  answer: FrontAnswer,
  reason: RegExp,
): Promise<{ readonly problem: string | undefined; readonly count: number }> {
  await using test = await startTestS3();
  await using front = await FrontServer.start(test.s3.endpoint);
  front.answer = () => answer;
  const source = memorySpool(SEGMENTS);
  const { logger, lines } = memoryLogger(systemClock);
  await using uploader = startOn(front, source, logger);
  await until(() => front.answered >= ANSWERS || source.receipts.size > 0, 'the answer was met often');
  const early = source.receipts.size;
  front.answer = undefined;
  await until(() => source.receipts.size === SEGMENTS, 'all have receipts');
  await uploader.close();
  const count = front.answered;
  if (early > 0) return { problem: `${early} receipts without proof`, count };
  const refused = [...source.receipts.values()].flat().filter(({ result }) => result !== 'delivered');
  if (refused.length > 0) return { problem: `${refused.length} set aside`, count };
  if (falseReceipts(source, test.s3) > 0) return { problem: 'receipts of what is not there', count };
  clean(await judgeS3(source, test.s3));
  if (!lines.some((line) => reason.test(line)))
    return { problem: `no line says ${reason}: ${lines.join(' | ')}`, count };
  return { problem: undefined, count };
}

function startOn(
  front: FrontServer,
  source: ReturnType<typeof memorySpool>,
  logger: ReturnType<typeof memoryLogger>['logger'],
): Uploader {
  const store = new WatchedStore({ endpoint: front.endpoint });
  const uploader = new Uploader({
    source,
    store,
    clock: systemClock,
    random: systemRandom,
    logger,
    spreadMs: 0,
    retry: QUICK,
  });
  uploader.start();
  return uploader;
}
