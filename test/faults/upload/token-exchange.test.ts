import assert from 'node:assert/strict';
import { ManualClock } from '../../../src/core/mod.js';
import { tokenExchange, type Uploader } from '../../../src/upload/mod.js';
import type { S3Credentials } from '../../../src/local/cloud/s3/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { exchangeKeys } from '../../lib/exchange-keys.js';
import { FaultDevice, UPLOADING } from '../../lib/fault-device.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { CLEAN, judge } from '../../lib/oracle.js';
import { startTestS3, type TestS3 } from '../../lib/s3.js';
import { testRecord } from '../../lib/spool-fixture.js';
import {
  startTokenExchangeStub,
  UNKNOWN_TOKEN,
  type ExchangeMood,
  type TokenExchangeStub,
} from '../../lib/token-exchange-stub.js';
import { clean, judgeS3, WatchedStore } from '../../lib/upload-oracle.js';
import { until } from '../../lib/until.js';
import { memorySpool, runVirtual, startUploader, uploadObject } from '../../lib/upload.js';

const MINUTE = 60_000;
/** A service that is back is asked within this, however long it was away. */
const BACK_MS = 8 * MINUTE;
const DEATHS = longRun() ? 200 : 50;
/** Of a real process, in real time. */
const KILLS = longRun() ? 50 : 3;
const RECORDS = 5;
const PATIENCE_MS = 60_000;

const LIES: readonly (readonly [string, ExchangeMood, RegExp])[] = [
  ['404 for the token', UNKNOWN_TOKEN, /it answered 404/],
  ['400 for the token', { kind: 'answers', status: 400, body: 'SVCUID length must be exactly 16.' }, /400/],
  ['500', { kind: 'answers', status: 500, body: 'Failed to get credentials' }, /it answered 500/],
  ['200 with null', { kind: 'answers', status: 200, body: 'null' }, /it answered 200 without keys/],
  ['200 with a page', { kind: 'answers', status: 200, body: '<html>secret-page</html>' }, /without keys/],
  ['200 with half the keys', { kind: 'answers', status: 200, body: '{"AccessKeyId":"A"}' }, /without keys/],
  ['200 with a flood', { kind: 'answers', status: 200, body: 'x'.repeat(1e6) }, /without keys/],
  ['no answer', { kind: 'hangs' }, /it has not answered within 10000 ms/],
  ['half an answer', { kind: 'hangs in its answer' }, /it has not answered within 10000 ms/],
  ['a cut connection', { kind: 'cuts' }, /it does not answer \(ECONNRESET\)/],
];

describe('R22: a token exchange that dies, moves and lies', function () {
  this.timeout(300_000);

  it('holds captures through each lie, tells it in one sentence, and delivers when it is over', async () => {
    await using rim = await Rim.start();
    const { stub, uploader, lines } = rim;
    for (const [name, mood, sentence] of LIES) {
      stub.expireAll();
      stub.setMood(mood);
      const asked = stub.requests.length;
      const told = lines.length;
      const isDelivered = rim.capture(name);
      await rim.pass(() => stub.requests.length >= asked + 2, 20 * MINUTE);
      assert.ok(!isDelivered(), name);
      assert.match(uploader.status().reason ?? '', sentence, name);
      assert.match(lines.slice(told).join('\n'), sentence, name);
      stub.setMood({ kind: 'well' });
      await rim.pass(isDelivered, BACK_MS);
    }
    await rim.report(LIES.length, 'lies, each told in one sentence');
  });

  it(`follows it through ${DEATHS} deaths to the new port of each, which the environment does not know`, async () => {
    await using rim = await Rim.start();
    const { stub } = rim;
    const ports = new Set<number>();
    let worstMs = 0;
    for (let death = 1; death <= DEATHS; death++) {
      stub.expireAll();
      await stub.die();
      const isDelivered = rim.capture(`death ${death}`);
      const failures = rim.failures();
      await rim.pass(() => rim.failures() > failures, MINUTE);
      await stub.rise();
      ports.add(stub.port);
      const backMs = rim.clock.monotonicMs();
      await rim.pass(isDelivered, BACK_MS);
      worstMs = Math.max(worstMs, rim.clock.monotonicMs() - backMs);
    }
    assert.ok(ports.size > 1);
    await rim.report(
      DEATHS,
      `deaths with a new port each, delivered within ${worstMs / 1000} s of its return`,
    );
  });

  it('is asked where the environment says as long as the nucleus names no port', async () => {
    await using rim = await Rim.start({ port: async () => undefined });
    await rim.pass(rim.capture('as ever'), MINUTE);
  });

  it('is asked where the nucleus says where the component started before it', async () => {
    await using rim = await Rim.start({ uri: '' });
    await rim.pass(rim.capture('late'), MINUTE);
  });

  it('gets no token of ours at an address that is not of this machine', async () => {
    await using rim = await Rim.start({ uri: 'http://169.254.169.254/keys' });
    rim.capture('never');
    await rim.pass(() => rim.failures() > 0, MINUTE);
    assert.match(rim.uploader.status().reason ?? '', /must be an address of this machine, or of https/);
    assert.equal(rim.stub.requests.length, 0);
  });
});

describe('R22: the token exchange of nucleus lite as a process that is killed', function () {
  this.timeout(900_000);

  it(`is followed by the uploader as shipped through ${KILLS} kills to its new ports`, async () => {
    let living = '';
    const find = (id: string): S3Credentials | undefined => {
      const name = id.replace(/^AKID/, '');
      return { ...exchangeKeys(name), ...(name === living ? {} : { expiration: new Date(0) }) };
    };
    await using device = await FaultDevice.create({
      profile: 'lite',
      s3: await startTestS3({ credentials: find }),
    });
    await using uploader = device.startUploader();
    await uploader.said(UPLOADING);
    const silences = (): number => uploader.output.split('it does not answer').length - 1;
    const ports = new Set<string>();
    let records = 0;
    let worstMs = 0;
    const capture = async (): Promise<void> => {
      await device.queueRecords(RECORDS, records);
      records += RECORDS;
    };
    for (let kill = 0; kill <= KILLS; kill++) {
      living = `life-${kill}`;
      await using exchange = device.startExchange(living);
      await exchange.said('Listening on');
      ports.add(exchange.output);
      const backMs = systemClock.monotonicMs();
      await capture();
      await until(async () => (await device.delivered()).length >= records, 'all is delivered', PATIENCE_MS);
      if (kill > 0) worstMs = Math.max(worstMs, systemClock.monotonicMs() - backMs);
      if (kill === KILLS) break;
      living = '';
      await exchange.stop('SIGKILL');
      const told = silences();
      await capture();
      await until(() => silences() > told, 'the uploader tells that nobody answers', PATIENCE_MS);
    }
    assert.equal(ports.size, KILLS + 1);
    assert.ok(uploader.isRunning, 'nothing has ended');
    const acked = Array.from({ length: records }, (_, number) => testRecord(number).captureId);
    const verdict = judge({
      issued: (captureId) => testRecord(Number(captureId.replace('capture-', ''))),
      acked,
      delivered: await device.delivered(),
    });
    reportFaultRow({
      row: 'R22',
      cycles: KILLS,
      lost: verdict.lost.length,
      duplicated: verdict.duplicated.length,
      corrupt: verdict.corrupt.length,
      note: `kills of a real process, delivered within ${Math.ceil(worstMs / 1000)} s of its return`,
    });
    assert.deepEqual(verdict, CLEAN);
  });
});

/** An uploader between a token exchange and an S3 that knows its keys. */
class Rim implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly source = memorySpool(0);
  readonly stub: TokenExchangeStub;
  readonly uploader: Uploader;
  readonly lines: string[];
  readonly #test: TestS3;
  readonly #store: WatchedStore;
  #captures = 0;

  private constructor(stub: TokenExchangeStub, test: TestS3, options: RimOptions) {
    this.stub = stub;
    this.#test = test;
    const { uri, port = async () => stub.port } = options;
    const environment = {
      ...stub.environment,
      ...(uri === undefined ? {} : { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri }),
    };
    const credentials = tokenExchange({ environment, clock: this.clock, port });
    this.#store = new WatchedStore(test.s3, { credentials, clock: this.clock });
    const { uploader, lines } = startUploader(this.source, this.#store, { clock: this.clock });
    this.uploader = uploader;
    this.lines = lines;
  }

  static async start(options: RimOptions = {}): Promise<Rim> {
    const clock = { nowMs: (): number => Date.now() };
    const stub = await startTokenExchangeStub(clock.nowMs);
    return new Rim(stub, await startTestS3({ credentials: (id) => stub.find(id) }), options);
  }

  /** @returns whether it has a receipt */
  capture(name: string): () => boolean {
    const segment = `segment-${String(this.#captures).padStart(8, '0')}`;
    this.source.add(segment, [uploadObject(this.#captures++, `{"record":"${name}"}\n`)]);
    this.uploader.notice(segment);
    return () => this.source.receipts.has(segment);
  }

  failures(): number {
    return this.uploader.status().failures.credentials ?? 0;
  }

  pass(until: () => boolean, maxMs: number): Promise<void> {
    const busy = (): boolean => this.#store.busy > 0;
    return runVirtual(this.clock, until, { stepMs: 1000, maxMs, busy, patienceMs: 100 });
  }

  async report(cycles: number, note: string): Promise<void> {
    await this.uploader.close();
    const verdict = await judgeS3(this.source, this.#test.s3);
    clean(verdict);
    for (const secret of [...this.stub.secrets, 'secret-page'])
      assert.ok(!this.lines.some((line) => line.includes(secret)), 'a secret in the log');
    reportFaultRow({ row: 'R22', cycles, ...verdict, note });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.uploader.close();
    await this.#test[Symbol.asyncDispose]();
    await this.stub[Symbol.asyncDispose]();
  }
}

interface RimOptions {
  /** In place of what the environment says. */
  readonly uri?: string;
  /** What the nucleus says. */
  readonly port?: () => Promise<number | undefined>;
}
