import assert from 'node:assert/strict';
import type { FaultScript } from '../../../src/local/cloud/s3/mod.js';
import { tokenExchange, type CredentialsSource } from '../../../src/upload/mod.js';
import { ManualClock } from '../../../src/core/mod.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { startTestS3 } from '../../lib/s3.js';
import { startTokenExchangeStub } from '../../lib/token-exchange-stub.js';
import { clean, judgeS3, WatchedStore } from '../../lib/upload-oracle.js';
import { memorySpool, runVirtual, startUploader, uploadObject } from '../../lib/upload.js';

const HOUR = 3_600_000;

/** A nucleus that names no port. */
function exchange(environment: Readonly<Record<string, string>>, clock: ManualClock): CredentialsSource {
  return tokenExchange({ environment, clock, port: async () => undefined });
}

describe('R11: a store that refuses this device', () => {
  const refusals: readonly [string, number, string][] = [
    ['403 AccessDenied', 403, 'AccessDenied'],
    ['a bucket that is gone', 404, 'NoSuchBucket'],
    ['a disabled key', 400, 'KMS.DisabledException'],
  ];
  for (const [name, status, code] of refusals) {
    it(`holds everything for an hour of ${name} with at most 13 requests, and resumes alone`, async () => {
      await using test = await startTestS3();
      const source = memorySpool(50);
      const store = new WatchedStore(test.s3);
      test.s3.setFaults(() => ({ kind: 'status', status, code }));
      const { uploader, clock } = startUploader(source, store, { maxConcurrency: 8 });
      const busy = (): boolean => store.busy > 0;
      const pass = { stepMs: 1000, maxMs: 2 * HOUR, busy, patienceMs: 5000 };
      await runVirtual(clock, () => clock.monotonicMs() >= HOUR, pass);
      const requests = test.s3.log.length;
      assert.ok(requests <= 13 && requests >= 10, `${requests} requests`);
      assert.match(uploader.status().reason ?? '', new RegExp(code.replace('.', '\\.')));
      assert.equal(source.receipts.size, 0);
      test.s3.setFaults(undefined);
      await runVirtual(clock, () => source.receipts.size === 50, { ...pass, stepMs: 500 });
      await uploader.close();
      const verdict = await judgeS3(source, test.s3);
      clean(verdict);
      reportFaultRow({ row: 'R11', cycles: 1, ...verdict, note: `${code}: requests=${requests}` });
    });
  }
});

describe('R12: credentials that expire or are missing', () => {
  it('renews once per expiry, heeds the error cache, loses nothing and logs no secret', async () => {
    const clock = new ManualClock();
    await using stub = await startTokenExchangeStub(() => clock.wallMs());
    await using test = await startTestS3({ credentials: (id) => stub.find(id) });
    const store = new WatchedStore(test.s3, { credentials: exchange(stub.environment, clock), clock });
    const source = memorySpool(0);
    const { uploader, lines } = startUploader(source, store, { clock });
    const pass = { stepMs: 100, maxMs: HOUR, busy: () => store.busy > 0, patienceMs: 5000 };
    const expiries = longRun() ? 1000 : 200;
    for (let cycle = 0; cycle < expiries; cycle++) {
      const name = `segment-${String(cycle).padStart(8, '0')}`;
      source.add(name, [uploadObject(cycle)]);
      uploader.notice(name);
      await runVirtual(clock, () => source.receipts.has(name), pass);
      await clock.advance(2000);
      stub.expireAll();
    }
    const expired = test.s3.log.filter((record) => record.errorCode === 'ExpiredToken').length;
    assert.equal(expired, expiries - 1);
    assert.equal(stub.requests.length, 1 + expired, 'one renewal per ExpiredToken');

    stub.setStatus(500);
    const asked = stub.requests.length;
    const begun = clock.monotonicMs();
    source.add('held', [uploadObject(expiries)]);
    uploader.notice('held');
    await runVirtual(clock, () => clock.monotonicMs() >= begun + 1_200_000, { ...pass, stepMs: 1000 });
    const failing = stub.requests.slice(asked);
    assert.ok(failing.length >= 2 && failing.length <= 10, `${failing.length} requests in 20 minutes`);
    for (const [index, request] of failing.slice(1).entries())
      assert.ok(request.atMs - (failing[index]?.atMs ?? 0) >= 120_000, 'the error cache of 120 s is heeded');
    assert.match(uploader.status().reason ?? '', /credentials/);
    stub.setStatus(200);
    await runVirtual(clock, () => source.receipts.has('held'), { ...pass, stepMs: 1000 });
    await uploader.close();

    const verdict = await judgeS3(source, test.s3);
    clean(verdict);
    for (const secret of stub.secrets)
      assert.ok(!lines.some((line) => line.includes(secret)), 'a secret in the log');
    reportFaultRow({
      row: 'R12',
      cycles: expiries,
      ...verdict,
      note: `renewals=${asked - 1}, secrets in logs=0`,
    });
  });

  it('holds everything while the token is wrong, and says so', async () => {
    const clock = new ManualClock();
    await using stub = await startTokenExchangeStub(() => clock.wallMs());
    const faults: FaultScript = () => undefined;
    await using test = await startTestS3({ credentials: (id) => stub.find(id), faults });
    const environment = { ...stub.environment, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'wrong-token-987' };
    const store = new WatchedStore(test.s3, { credentials: exchange(environment, clock), clock });
    const source = memorySpool(3);
    const { uploader, lines } = startUploader(source, store, { clock });
    const busy = (): boolean => store.busy > 0;
    const pass = { stepMs: 1000, maxMs: 2 * HOUR, busy, patienceMs: 5000 };
    await runVirtual(clock, () => clock.monotonicMs() >= HOUR, pass);
    await uploader.close();
    assert.equal(source.receipts.size, 0);
    assert.equal(test.s3.log.length, 0);
    assert.ok(stub.requests.length <= 30, `${stub.requests.length} requests in an hour`);
    assert.ok(lines.some((line) => line.includes('credentials')));
    assert.ok(!lines.some((line) => line.includes('wrong-token-987')));
    reportFaultRow({ row: 'R12', cycles: 1, lost: 0, duplicated: 0, corrupt: 0, note: 'wrong token: held' });
  });
});
