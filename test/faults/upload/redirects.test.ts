import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { memoryFiles } from '../../../src/disk/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { storeOf } from '../../../src/upload/configured-store.js';
import { parseUploadConfig, type PutOutcome } from '../../../src/upload/mod.js';
import { reportFaultRow } from '../../lib/fault-table.js';
import { ForwardProxy } from '../../lib/forward-proxy.js';
import { FrontServer } from '../../lib/front-server.js';
import { hasOpenssl, makeAuthority, tlsBefore, type PrivateAuthority } from '../../lib/private-authority.js';
import { startTokenExchangeStub, type TokenExchangeStub } from '../../lib/token-exchange-stub.js';
import { memoryLogger, uploadObject } from '../../lib/upload.js';

const STATUSES = [300, 301, 302, 303, 305, 307, 308];
const AWS = 'a-bucket.s3.eu-west-1.amazonaws.com';
/** Where an answer to a request for eu-west-1 must lead nobody. */
const REGIONS = [
  'cn-north-1',
  'us-gov-west-1',
  'eu-central-1.evil.test',
  'evil.test',
  '127.0.0.1',
  '169.254.169.254',
  'eu-central-1@evil.test',
  'eu-central-1/../evil',
  'eu-central-1#evil.test',
  'EU-CENTRAL-1',
  'eu-central-',
  'aws-global',
];

const otherPlace = (place: string, more = ''): string =>
  `<?xml version="1.0"?><Error><Code>TemporaryRedirect</Code><Message>there</Message><Endpoint>${place}</Endpoint>${more}</Error>`;

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('R24: a store that sends elsewhere, and one that is another', () => {
  let exchange: TokenExchangeStub;
  beforeEach(async () => {
    exchange = await startTokenExchangeStub(() => systemClock.wallMs());
  });
  afterEach(() => exchange[Symbol.asyncDispose]());

  /** One put of the uploader's own store, as configuration and environment make it. */
  async function put(configuration: object, environment: Record<string, string>): Promise<PutOutcome> {
    const { configuration: config } = parseUploadConfig({ bucket: 'a-bucket', ...configuration });
    const place = {
      clock: systemClock,
      logger: memoryLogger(systemClock).logger,
      workFolder: '/nowhere',
      tokenExchangePort: async () => undefined,
      environment: { ...exchange.environment, AWS_REGION: 'eu-west-1', ...environment },
    };
    await using store = storeOf(config, place, memoryFiles());
    const { key, bytes, contentType, sha256 } = uploadObject(1);
    const sum = Buffer.from(sha256, 'hex').toString('base64');
    return await store.put({ key, bytes, contentType, sha256: sum }, AbortSignal.timeout(20_000));
  }

  it('is followed to no other host, scheme, port or address of this machine', async () => {
    const met: string[] = [];
    const trap = createServer((request, response) => {
      met.push(`${request.method} ${request.url}`);
      response.end();
    });
    const port = await listening(trap);
    const places = [
      `http://127.0.0.1:${port}/steal`,
      `http://localhost:${port}/steal`,
      `http://[::ffff:127.0.0.1]:${port}/steal`,
      `//127.0.0.1:${port}/steal`,
      'http://169.254.169.254/latest/meta-data/iam/security-credentials/',
      'http://evil.test/',
      'https://store.test/',
      'http://store.test:8080/',
      'http://user:password@store.test/',
      'file:///etc/passwd',
    ];
    await using front = await FrontServer.start('http://127.0.0.1:9');
    const own = Number(new URL(front.endpoint).port);
    await using proxy = await ForwardProxy.start({ kind: 'http', targets: { 'store.test:80': own } });
    for (const status of STATUSES)
      for (const place of places) {
        front.answer = () => ({
          status,
          headers: { location: place, 'content-type': 'application/xml' },
          body: otherPlace(place),
        });
        const outcome = await put(
          { endpoint: 'http://store.test', allowHttp: true },
          { ALL_PROXY: proxy.url },
        );
        assert.equal(outcome.outcome, 'failed', `${status} ${place}`);
      }
    trap.close();
    assert.deepEqual(met, []);
    assert.deepEqual([...new Set(proxy.asked)], ['plain store.test:80']);
    const cycles = STATUSES.length * places.length;
    const note = `${cycles} redirects, none followed`;
    reportFaultRow({ row: 'R24', cycles, lost: 0, duplicated: 0, corrupt: 0, note });
  });

  it('of AWS is followed to another region of the same partition, and by no name beside that', async function () {
    if (!hasOpenssl) return this.skip();
    const there = 'a-bucket.s3.eu-central-1.amazonaws.com';
    await using authority = await makeAuthority([`DNS:${AWS}`, `DNS:${there}`]);
    await using front = await FrontServer.start('http://127.0.0.1:9');
    await using tls = await tlsBefore(front.endpoint, authority);
    const targets = { [`${AWS}:443`]: tls.port, [`${there}:443`]: tls.port };
    await using proxy = await ForwardProxy.start({ kind: 'http', targets });
    const asked = async (region: string): Promise<readonly string[]> => {
      const from = proxy.asked.length;
      const headers = { 'x-amz-bucket-region': region, location: `https://${region}/` };
      const body = otherPlace(region, `<Region>${region}</Region>`);
      front.answer = () => ({
        status: 301,
        headers: { ...headers, 'content-type': 'application/xml' },
        body,
      });
      await put({ caFile: authority.caFile }, { HTTPS_PROXY: proxy.url });
      return [...new Set(proxy.asked.slice(from))];
    };
    for (const region of REGIONS) assert.deepEqual(await asked(region), [`CONNECT ${AWS}:443`], region);
    assert.deepEqual(await asked('eu-central-1'), [`CONNECT ${AWS}:443`, `CONNECT ${there}:443`]);
    const note = `${REGIONS.length} names of regions, none followed`;
    reportFaultRow({ row: 'R24', cycles: REGIONS.length, lost: 0, duplicated: 0, corrupt: 0, note });
  });

  it('gets nothing where its certificate or its TLS is another', async function () {
    if (!hasOpenssl) return this.skip();
    const names = ['IP:127.0.0.1'];
    await using trusted = await makeAuthority(names);
    await using stranger = await makeAuthority(names);
    await using expired = await makeAuthority(names, { issuedBy: trusted, days: -1 });
    await using elsewhere = await makeAuthority(['DNS:store.test', 'IP:127.0.0.2'], { issuedBy: trusted });
    await using client = await makeAuthority(names, {
      issuedBy: trusted,
      extensions: 'extendedKeyUsage=clientAuth\n',
    });
    const kinds: readonly [kind: string, shown: PrivateAuthority, options: TlsOptions, reason: RegExp][] = [
      ['of an authority of the same name', stranger, {}, /does not trust|signature/],
      ['expired', expired, {}, /not valid at this time/],
      ['for another host', elsewhere, {}, /for another host/],
      ['for clients only', client, {}, /./],
      ['by TLS 1.1', trusted, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' }, /./],
      ['without encryption', trusted, { maxVersion: 'TLSv1.2', ciphers: 'NULL@SECLEVEL=0' }, /./],
      ['without authentication', trusted, { maxVersion: 'TLSv1.2', ciphers: 'aNULL@SECLEVEL=0' }, /./],
      ['as it should be: what is sent is heard', trusted, {}, /./],
    ];
    const secretsBefore = exchange.secrets.length;
    for (const [kind, { key, certificate: cert }, options, reason] of kinds) {
      let heard = 0;
      const server = createTlsServer({ key, cert, ...options }, (socket) => {
        socket
          .on('error', () => undefined)
          .on('data', (bytes) => {
            heard += bytes.length;
            socket.destroy();
          });
      });
      server.on('tlsClientError', () => undefined);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const outcome = await put({ endpoint: `https://127.0.0.1:${port}`, caFile: trusted.caFile }, {});
      server.close();
      assert.ok(outcome.outcome === 'failed', kind);
      assert.equal(outcome.failure.class, 'transport', kind);
      assert.match(JSON.stringify(outcome.failure), reason, kind);
      assert.equal(heard > 0, kind.startsWith('as it should be'), kind);
    }
    assert.ok(exchange.secrets.length > secretsBefore, 'there were keys to be lost');
    const note = `${kinds.length} kinds of TLS, nothing sent`;
    reportFaultRow({ row: 'R24', cycles: kinds.length, lost: 0, duplicated: 0, corrupt: 0, note });
  });
});
