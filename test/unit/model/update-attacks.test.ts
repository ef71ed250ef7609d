import assert from 'node:assert/strict';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkAdmission,
  createKeySigner,
  openPackage,
  type AdmissionContext,
  type Manifest,
  type OpenedPackage,
} from '../../../src/model/mod.js';
import { keyPair, temporaryFolder, writeSmallPackage } from '../../lib/model-package.js';

const DEVICE: AdmissionContext = {
  runtimeVersion: '1.0.0',
  platform: 'linux-x64',
  newestVersion: undefined,
  servedDigests: new Set(),
};

/** Row D2 of the promises: the attacks on update systems that TUF names, as far as they reach the device. */
describe('Attacks on model updates (D2)', () => {
  const { privatePem, publicPem } = keyPair();
  const signer = createKeySigner(privatePem);
  let root = '';
  let count = 0;

  before(async () => {
    root = await temporaryFolder();
  });
  after(() => rm(root, { recursive: true, force: true }));

  async function make(manifest: Partial<Manifest> = {}, signed = true): Promise<string> {
    const folder = join(root, `package-${count++}`);
    await writeSmallPackage(folder, { manifest, ...(signed ? { signer } : {}) });
    return folder;
  }

  function open(folder: string, nowMs: number | undefined = 0, keys = [publicPem]): Promise<OpenedPackage> {
    return openPackage(folder, { trust: { policy: 'required', keys }, nowMs });
  }

  it('arbitrary software: a package that no trusted key signed is refused', async () => {
    await assert.rejects(open(await make({}, false)), /it is not signed/);
  });

  it('rollback: an older version than was ever admitted is refused', async () => {
    const opened = await open(await make({ version: '1.0.0' }));
    const device = { ...DEVICE, newestVersion: '1.0.1' };
    assert.throws(() => checkAdmission(opened, device), /1\.0\.0 is older than 1\.0\.1/);
    checkAdmission(opened, { ...device, servedDigests: new Set([opened.digest]) });
    checkAdmission(opened, { ...device, newestVersion: '1.0.0' });
  });

  it('rollback: allowDowngrade counts only where a signature vouches for it', async () => {
    const folder = await make({ version: '1.0.0', allowDowngrade: true });
    const device = { ...DEVICE, newestVersion: '2.0.0' };
    checkAdmission(await open(folder), device);
    const unchecked = await openPackage(folder, { trust: { policy: 'off', keys: [] }, nowMs: 0 });
    assert.throws(() => checkAdmission(unchecked, device), /older than/);
  });

  it('fast-forward: a version never admitted does not raise the mark, as it is refused before', async () => {
    const folder = await make({ version: '999.0.0' }, false);
    await assert.rejects(open(folder), /it is not signed/);
  });

  it('indefinite freeze: an expired package is refused once the clock is known', async () => {
    const folder = await make({ expires: '2026-01-01T00:00:00Z' });
    await assert.rejects(open(folder, Date.UTC(2026, 0, 2)), /it expired at 2026-01-01/);
    await open(folder, Date.UTC(2025, 11, 31));
    const unsynchronised = { trust: { policy: 'required', keys: [publicPem] }, nowMs: undefined } as const;
    await openPackage(folder, unsynchronised);
  });

  it('mix and match: a file of one signed package does not fit into another', async () => {
    const folder = await make();
    await writeSmallPackage(join(root, 'newer'), { model: Buffer.from('another model of the same signer') });
    await writeFile(join(folder, 'model.onnx'), 'another model of the same signer');
    await assert.rejects(open(folder), /model\.onnx is not acceptable/);
  });

  it('endless data: a file larger than the manifest says is refused without reading it', async () => {
    const folder = await make();
    await truncate(join(folder, 'model.onnx'), 2 ** 40);
    await assert.rejects(open(folder), /it must be at most 41 bytes: current size is 1099511627776/);
    const other = await make();
    await truncate(join(other, 'manifest.json'), 2 ** 40);
    await assert.rejects(open(other), /manifest\.json is not acceptable: it must be at most/);
  });

  it('extraneous dependencies: a file that was not signed is refused', async () => {
    const folder = await make();
    await writeFile(join(folder, 'weights.bin'), 'x');
    await assert.rejects(open(folder), /the manifest does not list it/);
  });

  it('wrong software: a package for another platform or a newer runtime is refused', async () => {
    const arm = await open(await make({ target: 'linux-arm64' }));
    assert.throws(() => checkAdmission(arm, DEVICE), /made for linux-arm64: this device is linux-x64/);
    const newer = await open(await make({ minimumRuntimeVersion: '1.0.1' }));
    assert.throws(() => checkAdmission(newer, DEVICE), /needs runtime 1\.0\.1: this device has 1\.0\.0/);
  });

  it('key compromise: a key taken off the list counts no longer', async () => {
    const folder = await make();
    const next = keyPair();
    await open(folder, 0, [publicPem, next.publicPem]);
    await assert.rejects(open(folder, 0, [next.publicPem]), /its key is not trusted/);
  });
});
