import assert from 'node:assert/strict';
import { S3 } from '@aws-sdk/client-s3';
import { clientConfig, fromAws } from '../../deploy/cloud/aws/mod.js';
import { EdgeError } from '../../src/core/mod.js';
import { spawnCli } from '../lib/cli.js';
import { ForwardProxy } from '../lib/forward-proxy.js';
import { hasOpenssl, makeAuthority, tlsBefore } from '../lib/private-authority.js';
import { startTestS3, TEST_BUCKET, TEST_CREDENTIALS } from '../lib/s3.js';

const LOGIN = 'person:hunter2';

describe('the network of the command line', () => {
  it(`goes through the proxy, trusting the named authority${hasOpenssl ? '' : ' (skipped: no openssl to make one)'}`, async function () {
    if (!hasOpenssl) return this.skip();
    await using s3 = await startTestS3();
    await using authority = await makeAuthority(['DNS:aws.test']);
    await using tls = await tlsBefore(s3.s3.endpoint, authority);
    await using proxy = await ForwardProxy.start({
      kind: 'http',
      login: LOGIN,
      targets: { 'aws.test:443': tls.port },
    });
    const options = { endpoint: 'https://aws.test', region: 'eu-west-1', credentials: TEST_CREDENTIALS };
    const client = (environment: Record<string, string>): S3 =>
      new S3({ ...clientConfig(options, 'S3', environment), forcePathStyle: true, maxAttempts: 1 });

    const trusting = client({ HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: authority.caFile });
    await trusting.headBucket({ Bucket: TEST_BUCKET });
    assert.deepEqual([...new Set(proxy.asked)], ['CONNECT aws.test:443']);
    trusting.destroy();

    const wary = client({ HTTPS_PROXY: proxy.url });
    const refusal = await wary.headBucket({ Bucket: TEST_BUCKET }).then(
      () => undefined,
      (thrown: unknown) => fromAws('Cannot reach the bucket', thrown),
    );
    assert.equal(refusal?.reason, 'AWS_UNREACHABLE');
    assert.match(
      refusal.message,
      /authority 'Test Plant Root CA', which this machine does not trust: set AWS_CA_BUNDLE/,
    );
    wary.destroy();
  });

  it('refuses an AWS_CA_BUNDLE that cannot be read, in one sentence', () => {
    assert.throws(
      () => clientConfig({}, 'S3', { AWS_CA_BUNDLE: '/nowhere/ca.pem' }),
      (error: unknown) => error instanceof EdgeError && error.field === 'AWS_CA_BUNDLE',
    );
  });

  it('as a process: asks the proxy, and prints neither its password nor the SDK’s warning', async () => {
    await using proxy = await ForwardProxy.start({ kind: 'http', login: LOGIN, targets: {} });
    const environment = {
      HTTP_PROXY: proxy.url.replace('hunter2', 'wrong-hunter2'),
      AWS_ENDPOINT_URL: 'http://aws.test',
      AWS_USE_FIPS_ENDPOINT: 'true',
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDTEST',
      AWS_SECRET_ACCESS_KEY: 'secret-of-the-test',
    };
    for (const asJson of [false, true]) {
      const args = ['models', 'list', ...(asJson ? ['--json'] : [])];
      const { code, out, error } = await spawnCli(
        args,
        { ...environment, NODE_NO_WARNINGS: '0' },
        process.cwd(),
      );
      assert.notEqual(code, 0);
      assert.equal(out, '');
      assert.match(error, /the proxy http:\/\/127\.0\.0\.1:\d+ wants a user and a password/);
      assert.equal(error.split('AWS_USE_FIPS_ENDPOINT has no effect here').length, 2, error);
      assert.ok(!/hunter2|NodeVersionSupportWarning|\(node:/.test(error), error);
      if (!asJson) assert.match(error, /^Warning: AWS_USE_FIPS_ENDPOINT/m);
      // One document, whatever was warned of.
      else assert.deepEqual(Object.keys(JSON.parse(error) as object).sort(), ['error', 'warnings']);
    }
  });
});
