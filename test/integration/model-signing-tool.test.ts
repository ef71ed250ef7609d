import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { succeeds } from '../lib/cli.js';
import { keyPair, temporaryFolder, writeSmallPackage } from '../lib/model-package.js';

function tool(...args: string[]): { ok: boolean; text: string } {
  const { status, stdout, stderr } = spawnSync('model_signing', args, { encoding: 'utf8' });
  return { ok: status === 0, text: `${stdout}${stderr}` };
}
const present = tool('--help').ok;
const why = present ? '' : ' (skipped: no model_signing on the PATH)';

describe(`The reference tool of OpenSSF Model Signing${why}`, function () {
  let root = '';
  const at = (name: string): string => join(root, name);

  before(async function () {
    if (!present) return this.skip();
    root = await temporaryFolder('model-signing-');
    const { privatePem, publicPem } = keyPair();
    await writeFile(at('key.pem'), privatePem);
    await writeFile(at('public.pem'), publicPem);
  });
  after(() => (root === '' ? undefined : rm(root, { recursive: true, force: true })));

  it('verifies what we signed, and refuses it once a file has changed', async () => {
    const { folder } = await writeSmallPackage(at('ours'));
    await succeeds('sign', folder, '--key', at('key.pem'));
    const verify = ['verify', 'key', folder, '--signature', join(folder, 'model.sig')];
    const good = tool(...verify, '--public_key', at('public.pem'));
    assert.ok(good.ok, good.text);
    await writeFile(join(folder, 'samples.json'), '{}');
    assert.ok(!tool(...verify, '--public_key', at('public.pem')).ok);
  });

  it('signs what we verify', async () => {
    const { folder } = await writeSmallPackage(at('theirs'));
    const sign = ['sign', 'key', folder, '--signature', join(folder, 'model.sig')];
    const signed = tool(...sign, '--private_key', at('key.pem'));
    assert.ok(signed.ok, signed.text);
    assert.match(await succeeds('verify', folder, '--trust', at('public.pem')), /Signed by key/);
  });
});
