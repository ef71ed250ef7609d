import assert from 'node:assert/strict';
import { memoryFiles } from '../../../src/disk/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { storeOf } from '../../../src/upload/configured-store.js';
import { parseUploadConfig, Uploader, type MemorySegmentSource } from '../../../src/upload/mod.js';
import { reportFaultRow, skipFaultRow } from '../../lib/fault-table.js';
import { ForwardProxy, type ProxySettings } from '../../lib/forward-proxy.js';
import {
  AUTHORITY_NAME,
  hasOpenssl,
  makeAuthority,
  tlsBefore,
  type PrivateAuthority,
  type TlsFront,
} from '../../lib/private-authority.js';
import { startTestS3, TEST_BUCKET, type TestS3 } from '../../lib/s3.js';
import { startTokenExchangeStub, type TokenExchangeStub } from '../../lib/token-exchange-stub.js';
import { clean, falseReceipts, judgeS3 } from '../../lib/upload-oracle.js';
import { memoryLogger, memorySpool, uploadObject } from '../../lib/upload.js';
import { until } from '../../lib/until.js';

const QUICK = { baseMs: 2, capMs: 20, permissionProbeMs: 20, poisonTries: 3 };
const STORE = 'store.test';
const PASSWORD = 'p:ss/w@rd%1';
const LOGIN = `plant:${PASSWORD}`;
/** An address that is nobody's: only a proxy leads there. */
const NOWHERE = '203.0.113.7';

/** What stands around the uploader in each test. */
interface Rim {
  readonly s3: TestS3;
  readonly tls: TlsFront;
  readonly exchange: TokenExchangeStub;
  readonly authority: PrivateAuthority;
}

interface Run {
  readonly uploader: Uploader;
  readonly source: MemorySegmentSource;
  readonly lines: string[];
}

describe(`R24: networks as they are${hasOpenssl ? '' : ' (skipped: no openssl to make a private authority)'}`, () => {
  let rim: Rim;

  let authority: PrivateAuthority;
  const running: Uploader[] = [];

  before(async function () {
    if (!hasOpenssl) {
      skipFaultRow('R24', 'no openssl to make a private authority');
      return this.skip();
    }
    authority = await makeAuthority([`DNS:${STORE}`, `IP:${NOWHERE}`, 'IP:127.0.0.1']);
  });

  after(async () => {
    if (hasOpenssl) await authority[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    const exchange = await startTokenExchangeStub(() => systemClock.wallMs());
    const s3 = await startTestS3({ credentials: (id) => exchange.find(id) });
    rim = { s3, exchange, authority, tls: await tlsBefore(s3.s3.endpoint, authority) };
  });

  afterEach(async () => {
    for (const uploader of running.splice(0)) await uploader.close();
    await rim.tls[Symbol.asyncDispose]();
    await rim.s3[Symbol.asyncDispose]();
    await rim.exchange[Symbol.asyncDispose]();
  });

  const proxyOf = async (kind: ProxySettings['kind'], login?: string): Promise<ForwardProxy> => {
    const { key, certificate } = rim.authority;
    const plain = Number(new URL(rim.s3.s3.endpoint).port);
    return await ForwardProxy.start({
      kind,
      key,
      certificate,
      targets: { [`${STORE}:443`]: rim.tls.port, [`${NOWHERE}:443`]: rim.tls.port, [`${STORE}:80`]: plain },
      ...(login === undefined ? {} : { login }),
    });
  };

  /** The uploader as a device's configuration and environment make it. */
  function start(environment: Readonly<Record<string, string>>, configuration: object = {}): Run {
    const { logger, lines } = memoryLogger(systemClock);
    const source = memorySpool(4);
    const { configuration: config } = parseUploadConfig({
      bucket: TEST_BUCKET,
      region: 'eu-west-1',
      endpoint: `https://${STORE}`,
      caFile: rim.authority.caFile,
      ...configuration,
    });
    const place = {
      clock: systemClock,
      logger,
      workFolder: '/nowhere',
      environment: { ...rim.exchange.environment, ...environment },
      tokenExchangePort: async () => undefined,
    };
    const uploader = new Uploader({
      source,
      store: storeOf(config, place, memoryFiles()),
      clock: systemClock,
      random: systemRandom,
      logger,
      spreadMs: 0,
      retry: QUICK,
    });
    running.push(uploader);
    uploader.start();
    return { uploader, source, lines };
  }

  async function judged(
    { uploader, source, lines }: Run,
    proxies: readonly ForwardProxy[],
    note: string,
  ): Promise<void> {
    await until(() => source.receipts.size === source.segments.size, 'all is delivered');
    await uploader.close();
    const verdict = await judgeS3(source, rim.s3.s3);
    clean(verdict);
    assert.equal(falseReceipts(source, rim.s3.s3), 0);
    for (const secret of [
      PASSWORD,
      encodeURIComponent(PASSWORD),
      Buffer.from(LOGIN).toString('base64'),
      ...rim.exchange.secrets,
    ])
      assert.ok(!lines.some((line) => line.includes(secret)), 'a secret in the log');
    const exchangePort = new URL(rim.exchange.environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '').port;
    const asked = proxies.flatMap((proxy) => proxy.asked);
    assert.deepEqual(
      asked.filter((line) => line.endsWith(`:${exchangePort}`)),
      [],
      'the token exchange through a proxy',
    );
    reportFaultRow({ row: 'R24', cycles: 1, ...verdict, note });
  }

  const ways: readonly [ProxySettings['kind'], login: string | undefined, host: string, by: RegExp][] = [
    ['http', undefined, STORE, /^CONNECT store\.test:443$/],
    ['http', LOGIN, STORE, /^CONNECT store\.test:443$/],
    ['https', undefined, STORE, /^CONNECT store\.test:443$/],
    ['https', LOGIN, STORE, /^CONNECT store\.test:443$/],
    ['socks5', undefined, NOWHERE, /^socks5 203\.0\.113\.7:443$/],
    ['socks5', LOGIN, NOWHERE, /^socks5 203\.0\.113\.7:443$/],
  ];
  for (const [kind, login, host, by] of ways) {
    it(`delivers through ${kind}${login === undefined ? '' : ' with user and password'}, and holds while the proxy is gone`, async () => {
      await using proxy = await proxyOf(kind, login);
      const run = start({ ALL_PROXY: proxy.url }, { endpoint: `https://${host}` });
      await until(() => run.source.receipts.size === 4, 'the first are delivered');
      assert.ok(proxy.asked.length > 0 && proxy.asked.every((line) => by.test(line)), proxy.asked.join());

      await proxy.leave();
      for (let index = 4; index < 8; index++) {
        run.source.add(`segment-later-${index}`, [uploadObject(index, `${kind} ${login} ${index}\n`)]);
        run.uploader.notice(`segment-later-${index}`);
      }
      const gone = /the proxy (https?|socks5):\/\/127\.0\.0\.1:\d+ cannot be reached/;
      await until(() => gone.test(run.uploader.status().reason ?? ''), 'the reason names the proxy');
      assert.equal(run.source.receipts.size, 4);
      await proxy.comeBack();
      await judged(run, [proxy], `${kind}${login === undefined ? '' : ' with login'}: gone and back`);
    });
  }

  it('sends plain http through HTTP_PROXY, and names of socks5h to the proxy', async () => {
    await using http = await proxyOf('http', LOGIN);
    await using socks = await proxyOf('socks5');
    const plain = start({ HTTP_PROXY: http.url }, { endpoint: `http://${STORE}`, allowHttp: true });
    await judged(plain, [http], 'plain http');
    assert.ok(
      http.asked.length > 0 && http.asked.every((line) => line === `plain ${STORE}:80`),
      http.asked.join(),
    );
    const remote = start({ HTTPS_PROXY: socks.url.replace('socks5:', 'socks5h:') });
    await judged(remote, [socks], 'socks5h');
    assert.ok(socks.asked.length > 0 && socks.asked.every((line) => line === `socks5 ${STORE}:443`));
  });

  it('goes straight for NO_PROXY and for this machine', async () => {
    await using proxy = await proxyOf('http');
    const local = start({ HTTPS_PROXY: proxy.url }, { endpoint: `https://127.0.0.1:${rim.tls.port}` });
    await judged(local, [proxy], 'this machine: straight');
    assert.deepEqual(proxy.asked, []);

    const named = start({ HTTPS_PROXY: proxy.url, NO_PROXY: 'other.example, .test' });
    await until(
      () => /ENOTFOUND|EAI_AGAIN/.test(named.uploader.status().reason ?? ''),
      'it looked for the name itself',
    );
    assert.deepEqual(proxy.asked, []);
    await named.uploader.close();
    assert.equal(named.source.receipts.size, 0);
    reportFaultRow({ row: 'R24', cycles: 1, lost: 0, duplicated: 0, corrupt: 0, note: 'NO_PROXY: straight' });
  });

  it('tells the reason as it is, and holds everything', async () => {
    await using open = await proxyOf('http');
    await using locked = await proxyOf('http', LOGIN);
    await using lockedSocks = await proxyOf('socks5', LOGIN);
    const port = (proxy: ForwardProxy): string => new URL(proxy.url).port;
    const wrong = (proxy: ForwardProxy, kind: string): string =>
      `${kind}://plant:wrong@127.0.0.1:${port(proxy)}`;
    const bare = (proxy: ForwardProxy, kind: string): string => `${kind}://127.0.0.1:${port(proxy)}`;
    const untrusted = new RegExp(
      `authority '${AUTHORITY_NAME}', which this machine does not trust: set caFile`,
    );
    const straight = { endpoint: `https://127.0.0.1:${rim.tls.port}` };
    const cases: readonly [environment: Record<string, string>, configuration: object, reason: RegExp][] = [
      [{}, { ...straight, caFile: undefined }, untrusted],
      [{ HTTPS_PROXY: open.url }, { caFile: undefined }, untrusted],
      [
        { HTTPS_PROXY: bare(locked, 'http') },
        {},
        /proxy http:\/\/127\.0\.0\.1:\d+ wants a user and a password/,
      ],
      [{ HTTPS_PROXY: wrong(locked, 'http') }, {}, /wants a user and a password/],
      [{ ALL_PROXY: wrong(lockedSocks, 'socks5h') }, {}, /wants a user and a password/],
      [
        { HTTPS_PROXY: 'http://proxy.invalid:3128' },
        {},
        /the name of the proxy http:\/\/proxy\.invalid:3128 has no address/,
      ],
      [{ HTTPS_PROXY: bare(open, 'https') }, {}, /the proxy https:\/\/127\.0\.0\.1:\d+ speaks no TLS/],
      [{ HTTPS_PROXY: 'ftp://u:hunter2@proxy' }, {}, /names a proxy that cannot be read/],
      [{}, { ...straight, endpoint: `https://localhost:${rim.tls.port}` }, /for another host/],
    ];
    for (const [environment, configuration, reason] of cases) {
      const run = start(environment, configuration);
      await until(() => reason.test(run.uploader.status().reason ?? ''), `the reason is ${reason}`);
      assert.equal(run.source.receipts.size, 0);
      await run.uploader.close();
      assert.ok(!run.lines.some((line) => /wrong@|hunter2/.test(line)), 'a password in the log');
    }
    reportFaultRow({
      row: 'R24',
      cycles: cases.length,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `reasons=${cases.length}`,
    });
  });

  it('trusts the authorities of AWS_CA_BUNDLE and NODE_EXTRA_CA_CERTS', async () => {
    for (const name of ['AWS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS']) {
      const straight = { endpoint: `https://127.0.0.1:${rim.tls.port}`, caFile: undefined };
      await judged(start({ [name]: rim.authority.caFile }, straight), [], name);
    }
  });
});
