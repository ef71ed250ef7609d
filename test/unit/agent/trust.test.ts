import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createKeySigner } from '../../../src/model/mod.js';
import { keyId } from '../../../src/model/trust/mod.js';
import { describeModel, predict } from '../../lib/agent-requests.js';
import { CertificateMaker, hasCertificateTool } from '../../lib/certificates.js';
import { keyPair, temporaryFolder } from '../../lib/model-package.js';
import { SignedTwins } from '../../lib/signed-twins.js';
import { until } from '../../lib/until.js';

const idOf = (publicPem: string): string => keyId(createPublicKey(publicPem));
const PAST = '2020-01-01T00:00:00Z';

function newKey() {
  const { privatePem, publicPem } = keyPair();
  return { signer: createKeySigner(privatePem), pem: publicPem, id: idOf(publicPem) };
}

describe('a rotation of signing keys, as docs/security.md walks it', () => {
  it('takes no model from a device: two keys, one goes', async () => {
    const [old, next] = [newKey(), newKey()];
    await using signed = await SignedTwins.create({ policy: 'required', trustedKeys: [old.pem] });
    const { twins } = signed;
    const serves = async (model: string, version: string): Promise<void> =>
      assert.equal((await predict(twins, {}, { model })).version, version);
    for (const name of ['Model', 'Slow']) {
      await twins.register((await signed.package('1.0.0', old.signer, name)).folder, name);
    }

    // 1. Both keys.
    await signed.configure({ policy: 'required', trustedKeys: [old.pem, next.pem] });
    await signed.restart();
    await serves('Model', '1.0.0');

    // 2. New versions are signed with the new key; one model waits for its own.
    await twins.register((await signed.package('2.0.0', next.signer)).folder);
    await serves('Model', '2.0.0');

    // 3. The old key ends: who still depends on it serves on, and says so.
    const ended = { key: old.id, validUntil: PAST };
    await signed.configure({ policy: 'required', trustedKeys: [old.pem, next.pem], keyRules: [ended] });
    await until(() => signed.reported('Slow', '1.0.0')?.unadmitted === true, 'the heartbeat tells');
    assert.match(signed.reported('Slow', '1.0.0')?.reason ?? '', /counts until 2020/);
    assert.equal(signed.reported('Model', '2.0.0')?.unadmitted, undefined);
    await signed.restart();
    await serves('Slow', '1.0.0');
    await serves('Model', '2.0.0');
    const late = (await signed.package('3.0.0', old.signer)).folder;
    await assert.rejects(twins.register(late), { reason: 'PACKAGE_REFUSED_SIGNATURE' });

    // 4. Once no device tells any more, the old key goes.
    await twins.register((await signed.package('2.0.0', next.signer, 'Slow')).folder, 'Slow');
    await until(() => signed.reported('Slow', '2.0.0') !== undefined, 'the heartbeat has it');
    assert.equal(signed.reported('Slow', '2.0.0')?.unadmitted, undefined);
    await signed.configure({ policy: 'required', trustedKeys: [next.pem] });
    await signed.restart();
    await serves('Model', '2.0.0');
    await serves('Slow', '2.0.0');
  });
});

describe('a revocation', () => {
  it('is told at once of a model that serves, which serves on, over restarts too', async () => {
    const { signer, pem, id } = newKey();
    await using signed = await SignedTwins.create({ trustedKeys: [pem] });
    const { twins } = signed;
    await twins.register((await signed.package('1.0.0', signer)).folder);
    await signed.configure({ trustedKeys: [pem], revoked: { keys: [id] } });
    await until(() => signed.reported('Model', '1.0.0')?.revoked === true, 'the heartbeat tells');
    assert.deepEqual(
      signed.errors.filter((line) => line.includes('revoked')),
      ['A revoked model serves on'],
    );
    const described = await describeModel(twins);
    assert.equal(described.revoked, true);
    assert.match(described.reason ?? '', new RegExp(`the key ${id} is revoked`));
    await predict(twins);
    await signed.restart();
    assert.equal((await predict(twins)).version, '1.0.0');
    await assert.rejects(twins.register((await signed.package('2.0.0', signer)).folder), {
      reason: 'PACKAGE_REVOKED',
    });
  });

  it('of a package counts for unsigned ones too, where no trusted key can be read, and at every door', async () => {
    await using signed = await SignedTwins.create({});
    const { twins } = signed;
    const first = await signed.package('1.0.0', undefined);
    const second = await signed.package('2.0.0', undefined);
    await twins.register(first.folder);
    const revoked = { packages: [first.digest, second.digest] };
    await signed.configure({ trustedKeysFile: '/nonexistent/keys.pem', revoked });
    await until(() => signed.reported('Model', '1.0.0')?.revoked === true, 'the heartbeat tells');
    await signed.configure({ revoked });
    await assert.rejects(twins.register(second.folder), { reason: 'PACKAGE_REVOKED' });
    await assert.rejects(
      twins.requester.request('load', { name: 'Other', path: second.folder }, { timeoutMs: 60_000 }),
      {
        reason: 'PACKAGE_REVOKED',
      },
    );
    assert.equal((await predict(twins)).version, '1.0.0');
  });

  it('unloads where the configuration says so, and gives the model back once it is taken back', async () => {
    const { signer, pem, id } = newKey();
    await using signed = await SignedTwins.create({ trustedKeys: [pem] });
    const { twins } = signed;
    const { folder } = await signed.package('1.0.0', signer);
    await twins.register(folder);
    await signed.configure({ trustedKeys: [pem], revoked: { keys: [id] }, unloadRevoked: true });
    await until(() => twins.hosts.loaded.length === 0, 'it is unloaded');
    assert.ok(signed.errors.includes('A revoked model is unloaded'), signed.errors.join());
    await assert.rejects(predict(twins), { reason: 'PACKAGE_REVOKED' });
    await assert.rejects(twins.requester.request('load', { name: 'Model' }, { timeoutMs: 60_000 }), {
      reason: 'PACKAGE_REVOKED',
    });
    await signed.restart();
    assert.deepEqual(twins.hosts.loaded, []);
    await assert.rejects(predict(twins), { reason: 'PACKAGE_REVOKED' });
    assert.equal((await describeModel(twins)).state, 'UNLOADED');
    // A device that starts its components anew fails no old deployment.
    assert.equal((await twins.register(folder)).verdict, 'ALREADY_ADMITTED');
    await signed.configure({ trustedKeys: [pem] });
    await until(() => twins.hosts.loaded.length > 0, 'it is loaded again');
    assert.equal((await predict(twins)).version, '1.0.0');
  });

  it('keeps a device from going back to what is revoked', async () => {
    const [first, second] = [newKey(), newKey()];
    const trustedKeys = [first.pem, second.pem];
    await using signed = await SignedTwins.create({ trustedKeys });
    const { twins } = signed;
    const former = await signed.package('1.0.0', first.signer);
    await twins.register(former.folder);
    await twins.register((await signed.package('2.0.0', second.signer)).folder);
    await signed.configure({ trustedKeys, revoked: { keys: [first.id] } });
    const { verdict } = await twins.register(former.folder);
    assert.equal(verdict, 'ADMITTED_WITH_WARNING');
    assert.equal((await predict(twins)).version, '2.0.0');
  });
});

describe(`a chain that a former agent accepted${hasCertificateTool ? '' : ' (skipped: no openssl command)'}`, () => {
  it('goes on serving, over restarts, and is told of', async function () {
    if (!hasCertificateTool) return this.skip();
    const folder = await temporaryFolder();
    const maker = new CertificateMaker(folder);
    maker.make({
      name: 'root',
      extensions: 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign',
    });
    maker.make({ name: 'device', issuer: 'root', extensions: 'keyUsage=critical,digitalSignature' });
    const signer = createKeySigner(maker.text('device.key'), { chainPem: maker.text('device.pem') });
    await using signed = await SignedTwins.create({
      policy: 'required',
      trustedKeys: [maker.text('root.pem')],
    });
    await rm(folder, { recursive: true });
    const { twins } = signed;
    signed.verifying = false;
    await twins.register((await signed.package('1.0.0', signer)).folder);
    signed.verifying = true;
    await signed.restart();
    await until(() => signed.reported('Model', '1.0.0')?.unadmitted === true, 'the heartbeat tells');
    assert.match(signed.reported('Model', '1.0.0')?.reason ?? '', /extended key usage codeSigning/);
    assert.equal((await predict(twins)).version, '1.0.0');
    await assert.rejects(twins.register((await signed.package('2.0.0', signer)).folder), {
      reason: 'PACKAGE_REFUSED_SIGNATURE',
    });
    assert.equal((await predict(twins)).version, '1.0.0');
  });
});
