import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { KMS, type KeySpec, type KeyUsageType } from '@aws-sdk/client-kms';
import { startLocalCloud, type LocalCloud } from '../../src/local/cloud/mod.js';
import { CertificateMaker, hasCertificateTool } from '../lib/certificates.js';
import { awsOf, runCli } from '../lib/cli.js';
import { temporaryFolder, writeSmallPackage } from '../lib/model-package.js';

const hasReference = spawnSync('model_signing', ['--help']).status === 0;
const CURVES = [
  { spec: 'ECC_NIST_P256', algorithm: 'ECDSA_SHA_256', hash: 'sha256' },
  { spec: 'ECC_NIST_P384', algorithm: 'ECDSA_SHA_384', hash: 'sha384' },
] as const;

describe('edge-manager sign --kms', () => {
  let root = '';
  let cloud: LocalCloud;
  let kms: KMS;
  const at = (name: string): string => join(root, name);

  before(async () => {
    root = await temporaryFolder('kms-');
    cloud = await startLocalCloud({ folder: at('cloud') });
    kms = new KMS({ ...awsOf(cloud), maxAttempts: 1 });
  });
  after(async () => {
    kms.destroy();
    await cloud.close();
    await rm(root, { recursive: true, force: true });
  });

  const newKey = async (spec: KeySpec, usage: KeyUsageType = 'SIGN_VERIFY'): Promise<string> => {
    const { KeyMetadata } = await kms.createKey({ KeySpec: spec, KeyUsage: usage });
    return KeyMetadata?.Arn ?? assert.fail();
  };
  const publicPem = async (key: string): Promise<string> => {
    const { PublicKey = new Uint8Array() } = await kms.getPublicKey({ KeyId: key });
    const der = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
    return der.export({ type: 'spki', format: 'pem' }).toString();
  };
  const sign = (folder: string, ...options: string[]) =>
    runCli(['sign', folder, ...options], { aws: awsOf(cloud) });

  for (const { spec } of CURVES) {
    const why = hasReference ? '' : ' (skipped: no model_signing on the PATH)';
    it(`signs by ${spec} what we and the reference tool verify${why}`, async function () {
      const key = await newKey(spec);
      const alias = `alias/models-${spec}`;
      await kms.createAlias({ AliasName: alias, TargetKeyId: key });
      await writeFile(at('public.pem'), await publicPem(key));
      const id = key.split('/').at(-1) ?? '';
      for (const name of [key, id, alias, key.replace(`key/${id}`, alias)]) {
        const { folder } = await writeSmallPackage(at(`${spec}-${name.replaceAll(/\W/g, '-')}`));
        const signed = await sign(folder, '--kms', name);
        assert.equal(signed.code, 0, signed.error);
        const verified = await runCli(['verify', folder, '--trust', at('public.pem')]);
        assert.equal(verified.code, 0, verified.error);
        // Its start takes seconds.
        if (!hasReference || name !== alias) continue;
        const asked = ['verify', 'key', folder, '--signature', join(folder, 'model.sig')];
        const reference = spawnSync('model_signing', [...asked, '--public_key', at('public.pem')]);
        assert.equal(reference.status, 0, String(reference.stderr));
      }
      if (!hasReference) this.skip();
    });
  }

  it('refuses with a sentence what cannot sign, and leaves no signature', async () => {
    const disabled = await newKey('ECC_NIST_P256');
    await kms.disableKey({ KeyId: disabled });
    const leaving = await newKey('ECC_NIST_P256');
    await kms.scheduleKeyDeletion({ KeyId: leaving });
    const { folder } = await writeSmallPackage(at('refused'));
    for (const [key, sentence] of [
      ['alias/nothing', /Cannot use the KMS key alias\/nothing: Alias .* is not found/],
      [`${disabled.slice(0, -1)}${disabled.endsWith('0') ? '1' : '0'}`, /does not exist/],
      [disabled, /is disabled/],
      [leaving, /is pending deletion/],
      [await newKey('ECC_SECG_P256K1'), /its spec must be ECC_NIST_P256/],
      [
        await newKey('ECC_NIST_P256', 'KEY_AGREEMENT'),
        /its usage must be SIGN_VERIFY: current value is KEY_AGREEMENT/,
      ],
      [await newKey('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT'), /has no public key/],
    ] as const) {
      const { code, error } = await sign(folder, '--kms', key);
      assert.equal(code, 1);
      assert.match(error, sentence);
    }
    const both = await sign(folder, '--kms', disabled, '--key', at('key.pem'));
    assert.match(both.error, /cannot be used with/);
    assert.match((await sign(folder)).error, /--key <file> or --kms <key>/);
    const unsigned = await runCli(['verify', folder, '--policy', 'if-present']);
    assert.match(unsigned.out, /Not signed/);
  });

  it('names the right that is missing', async () => {
    const key = await newKey('ECC_NIST_P256');
    const Statement = [{ Effect: 'Allow', Action: 'kms:GetPublicKey', Resource: key }];
    const user = cloud.iam.createUser('reader', [{ Version: '2012-10-17', Statement }]);
    const { folder } = await writeSmallPackage(at('denied'));
    const { error } = await runCli(['sign', folder, '--kms', key], {
      aws: { ...awsOf(cloud), credentials: user },
    });
    assert.match(error, /Cannot sign with the KMS key .*AWS denied it for want of kms:Sign/);
  });

  it('signs with a certificate chain, whose first must be of the key', async function () {
    if (!hasCertificateTool) return this.skip();
    const maker = new CertificateMaker(root);
    maker.make({ name: 'stranger' });
    const { folder } = await writeSmallPackage(at('chained'));
    const { error } = await sign(
      folder,
      '--kms',
      await newKey('ECC_NIST_P256'),
      '--chain',
      at('stranger.pem'),
    );
    assert.match(error, /the first certificate of the chain belongs to another key/);
  });
});

describe('KMS of the local cloud', () => {
  let root = '';
  let cloud: LocalCloud;
  let kms: KMS;
  before(async () => {
    root = await temporaryFolder('kms-');
    cloud = await startLocalCloud({ folder: root });
    kms = new KMS({ ...awsOf(cloud), maxAttempts: 1 });
  });
  after(async () => {
    kms.destroy();
    await cloud.close();
    await rm(root, { recursive: true, force: true });
  });

  for (const { spec, algorithm, hash } of CURVES) {
    it(`signs digests by ${spec} as OpenSSL verifies them, and nothing else than KMS would`, async () => {
      const created = await kms.createKey({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' });
      const KeyId = created.KeyMetadata?.KeyId ?? '';
      const { PublicKey = new Uint8Array() } = await kms.getPublicKey({ KeyId });
      const key = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
      for (let round = 0; round < 20; round++) {
        const text = Buffer.from(`message ${round}`);
        const Message = createHash(hash).update(text).digest();
        const asked = { KeyId, Message, MessageType: 'DIGEST', SigningAlgorithm: algorithm } as const;
        const { Signature = new Uint8Array() } = await kms.sign(asked);
        assert.ok(verify(hash, text, { key, dsaEncoding: 'der' }, Signature));
      }
      const Message = createHash(hash).update('x').digest();
      const asked = { KeyId, Message, MessageType: 'DIGEST', SigningAlgorithm: algorithm } as const;
      await assert.rejects(kms.sign({ ...asked, Message: Message.subarray(1) }), {
        name: 'ValidationException',
        message: /Digest is invalid length/,
      });
      const other = algorithm === 'ECDSA_SHA_256' ? 'ECDSA_SHA_384' : 'ECDSA_SHA_256';
      await assert.rejects(kms.sign({ ...asked, SigningAlgorithm: other }), {
        name: 'InvalidKeyUsageException',
      });
      await assert.rejects(kms.sign({ ...asked, Message: new Uint8Array() }), {
        name: 'ValidationException',
      });
      await assert.rejects(kms.sign({ ...asked, DryRun: true }), { name: 'DryRunOperationException' });
      const raw = { ...asked, Message: Buffer.from('raw'), MessageType: 'RAW' } as const;
      const { Signature = new Uint8Array() } = await kms.sign(raw);
      assert.ok(verify(hash, raw.Message, { key, dsaEncoding: 'der' }, Signature));
      await kms.disableKey({ KeyId });
      await assert.rejects(kms.sign(asked), { name: 'DisabledException' });
    });
  }

  it('refuses a key for other uses, one of another region, and a request that is not signed by a known key', async () => {
    const { KeyMetadata } = await kms.createKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' });
    const KeyId = KeyMetadata?.Arn ?? '';
    const asked = {
      KeyId,
      Message: new Uint8Array(32),
      MessageType: 'DIGEST',
      SigningAlgorithm: 'ECDSA_SHA_256',
    } as const;
    await assert.rejects(kms.sign(asked), { name: 'InvalidKeyUsageException' });
    const elsewhere = KeyId.replace(cloud.region, 'eu-west-3');
    await assert.rejects(kms.sign({ ...asked, KeyId: elsewhere }), { name: 'NotFoundException' });
    const wrong = { accessKeyId: cloud.credentials.accessKeyId, secretAccessKey: 'wrong' };
    await using stranger = Object.assign(new KMS({ ...awsOf(cloud), credentials: wrong, maxAttempts: 1 }), {
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
    await assert.rejects(stranger.getPublicKey({ KeyId }), { name: 'InvalidSignatureException' });
  });
});
