import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EdgeError, ManualClock } from '../../../src/core/mod.js';
import { HeldConfiguration } from '../../../src/component/configuration/mod.js';
import { memoryFiles } from '../../../src/disk/mod.js';
import { checkNetwork, parseUploadConfig, type UploadConfig } from '../../../src/upload/mod.js';
import { memoryLogger } from '../../lib/upload.js';

const FILE = '/agent/configuration.json';

function heldOver(content: Map<string, Uint8Array>, environment: Readonly<Record<string, string>> = {}) {
  const clock = new ManualClock();
  const { logger, lines } = memoryLogger(clock);
  const held = new HeldConfiguration<UploadConfig, undefined>({
    file: FILE,
    files: memoryFiles(content),
    clock,
    logger,
    initial: undefined,
    parse: parseUploadConfig,
    check: (config, accepted) => checkNetwork(config, accepted, environment),
  });
  return { held, lines };
}

const plain = { bucket: 'my-bucket', endpoint: 'http://store.plant.example:9000' };

describe('the network of an uploader configuration', () => {
  it('refuses plain http beyond this machine, unless it is allowed', async () => {
    const { held } = heldOver(new Map());
    assert.equal(await held.offer(plain), false);
    assert.equal(held.refusal?.field, 'endpoint');
    assert.match(held.refusal?.nextStep ?? '', /allowHttp/);
    assert.equal(await held.offer({ ...plain, allowHttp: 'true' }), true);
    for (const host of ['127.0.0.1:9000', 'localhost', '[::1]:9000'])
      assert.equal(await held.offer({ ...plain, endpoint: `http://${host}` }), true, host);
  });

  it('goes on with the plain http of a configuration that was accepted before, with a warning', async () => {
    const content = new Map([[FILE, Buffer.from(JSON.stringify(parseUploadConfig(plain).configuration))]]);
    const { held, lines } = heldOver(content);
    assert.equal(await held.offer({ ...plain, gzip: true }), true);
    assert.ok(lines.some((line) => line.includes('"warn"') && line.includes('allowHttp')));
    assert.equal(await held.offer({ ...plain, endpoint: 'http://other.example' }), false);
  });

  it('refuses line ends, NUL and other controls in paths and keys, and goes on with those that it had', async () => {
    const texts = ['/data\0/x', '/data\nx', '/data/\u001b[2J', '/data/\u009b31m', '/data/\u2028x', '/data\r'];
    for (const key of ['diskPath', 'spoolFolder', 'caFile', 'kmsKeyId'])
      for (const text of texts) {
        const { held, lines } = heldOver(new Map());
        assert.equal(await held.offer({ bucket: 'my-bucket', [key]: text }), false, key);
        assert.equal(held.refusal?.field, key);
        assert.ok(![held.refusal.message, ...lines].some((line) => line.includes(text)));
        if (key === 'caFile') continue;
        const kept = { bucket: 'my-bucket', [key]: text };
        const former = heldOver(new Map([[FILE, Buffer.from(JSON.stringify(kept))]]));
        assert.equal(await former.held.offer({ ...kept, gzip: true }), true, key);
        assert.ok(former.lines.some((line) => line.includes('"warn"') && line.includes(key)));
        assert.equal(await former.held.offer({ ...kept, [key]: `${text}\n` }), false, key);
      }
  });

  it('writes nothing for a rollback that its configuration did not hold', () => {
    const { configuration } = parseUploadConfig(plain);
    for (const key of ['allowHttp', 'caFile', 'useFipsEndpoint', 'useDualstackEndpoint'])
      assert.ok(!Object.hasOwn(configuration, key), key);
  });

  it('refuses a caFile that cannot be trusted, in one sentence', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ca-file-'));
    try {
      const noPem = join(folder, 'no.pem');
      const damaged = join(folder, 'damaged.pem');
      await writeFile(noPem, 'hello');
      await writeFile(damaged, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
      const cases = [
        [join(folder, 'absent.pem'), /no such file/],
        [noPem, /no certificate in PEM/],
        [damaged, /damaged/],
        [folder, /cannot be read/],
      ] as const;
      for (const [caFile, sentence] of cases) {
        const { held } = heldOver(new Map());
        assert.equal(await held.offer({ bucket: 'my-bucket', caFile }), false);
        assert.equal(held.refusal?.field, 'caFile');
        assert.match(held.refusal?.message ?? '', sentence);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses endpoints that the SDK would refuse, and tells what has no effect', async () => {
    const fips = { AWS_USE_FIPS_ENDPOINT: 'true' };
    const { held, lines } = heldOver(new Map(), fips);
    const endpoint = 'https://store.plant.example';
    assert.equal(await held.offer({ bucket: 'my-bucket', endpoint, useFipsEndpoint: true }), false);
    assert.equal(await held.offer({ bucket: 'my-bucket', region: 'cn-north-1' }), false);
    assert.equal(await held.offer({ bucket: 'my-bucket', endpoint }), true);
    assert.ok(lines.some((line) => line.includes('AWS_USE_FIPS_ENDPOINT has no effect here')));
    assert.throws(
      () =>
        checkNetwork(
          parseUploadConfig({ bucket: 'my-bucket', region: 'cn-north-1' }).configuration,
          undefined,
          fips,
        ),
      EdgeError,
    );
  });
});
