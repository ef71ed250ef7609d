import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { systemRandom } from '../../src/system/mod.js';
import { AppLoad, issuedRecord } from '../lib/app-load.js';
import { CONNECTED, FaultDevice, UPLOADING, type StoreAccess } from '../lib/fault-device.js';
import { ForwardProxy } from '../lib/forward-proxy.js';
import { CLEAN, judge } from '../lib/oracle.js';
import { hasOpenssl, makeAuthority, tlsBefore } from '../lib/private-authority.js';
import { startTestS3, TEST_CREDENTIALS, type TestS3 } from '../lib/s3.js';
import { until } from '../lib/until.js';

const PASSWORD = 'p:ss/w@rd%1';
const LOGIN = `plant:${PASSWORD}`;
const RECORDS = 20;
const credentials = async () => ({ ...TEST_CREDENTIALS, expiration: new Date('2099-01-01') });

describe('agent and uploader as processes, on networks as they are', () => {
  it('deliver to a store that has an IPv6 address only', async function () {
    await using s3 = await startTestS3();
    const front = await ipv6Before(s3.s3.endpoint);
    if (front === undefined) return this.skip();
    await using _front = front;
    await deliver(s3, {
      configuration: { endpoint: `http://[::1]:${front.port}` },
      // Such as a nucleus hands it down: of no consequence for this machine.
      environment: { ALL_PROXY: 'http://proxy.invalid:3128' },
      credentials,
    });
    assert.ok(front.requests() > 0);
  });

  it('deliver through socks5 with a password, trusting the authority of AWS_CA_BUNDLE; no model host sees either', async function () {
    if (!hasOpenssl) return this.skip();
    await using s3 = await startTestS3();
    await using authority = await makeAuthority(['DNS:store.test']);
    await using tls = await tlsBefore(s3.s3.endpoint, authority);
    await using proxy = await ForwardProxy.start({
      kind: 'socks5',
      login: LOGIN,
      targets: { 'store.test:443': tls.port },
    });
    const environment = {
      ALL_PROXY: proxy.url.replace('socks5:', 'socks5h:'),
      AWS_CA_BUNDLE: authority.caFile,
      NODE_EXTRA_CA_CERTS: authority.caFile,
    };
    const access = { configuration: { endpoint: 'https://store.test' }, environment, credentials };
    const output = await deliver(s3, access, async (agentPid) => {
      // The agent has all of it from its nucleus; what runs models must not.
      const seen = await environmentsBelow(agentPid);
      assert.ok(seen.length > 0, 'no model host');
      for (const text of seen) assert.doesNotMatch(text, /PROXY|CA_BUNDLE|CA_CERTS|plant|AWS_CONTAINER/i);
    });
    assert.ok(
      proxy.asked.length > 0 && proxy.asked.every((line) => line === 'socks5 store.test:443'),
      proxy.asked.join(),
    );
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), Buffer.from(LOGIN).toString('base64')])
      assert.ok(!output.includes(secret), 'a password in a log');
  });
});

/** Lets a device capture until all has arrived, each once. @returns what agent and uploader said */
async function deliver(
  s3: TestS3,
  access: StoreAccess,
  meanwhile: (agentPid: number) => Promise<void> = async () => undefined,
): Promise<string> {
  await using device = await FaultDevice.create({ s3, access });
  await using agent = device.startAgent(device.shipped, access.environment);
  await agent.said(CONNECTED);
  await device.installModel();
  await using uploader = device.startUploader();
  await uploader.said(UPLOADING);
  const load = await AppLoad.open(await device.bench.connect('com.example.App'), systemRandom);
  load.start(20);
  await until(() => load.acked.size >= RECORDS, 'captures are acknowledged');
  await load.stop();
  await meanwhile(agent.child.pid ?? 0);
  await until(async () => await device.isDrained(), 'the spool is empty', 30_000);
  const delivered = await device.delivered();
  assert.deepEqual(judge({ issued: issuedRecord, acked: load.acked, delivered }), CLEAN);
  return agent.output + uploader.output;
}

/** What the processes below one were given as environment. */
async function environmentsBelow(pid: number): Promise<string[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const found: string[] = [];
  for (const child of children.trim().split(' ').filter(Boolean).map(Number)) {
    found.push(await readFile(`/proc/${child}/environ`, 'utf8'), ...(await environmentsBelow(child)));
  }
  return found;
}

interface Ipv6Front extends AsyncDisposable {
  readonly port: number;
  readonly requests: () => number;
}

/** The store on [::1] and nowhere else; undefined on a machine without IPv6. */
async function ipv6Before(store: string): Promise<Ipv6Front | undefined> {
  let requests = 0;
  const server = createServer((incoming, outgoing) => {
    requests++;
    const { hostname, port } = new URL(store);
    const { method, url: path, headers } = incoming;
    const onward = request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    onward.once('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.listen({ port: 0, host: '::1', ipv6Only: true });
  try {
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
