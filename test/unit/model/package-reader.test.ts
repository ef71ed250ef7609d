import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, link, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError } from '../../../src/core/mod.js';
import {
  createKeySigner,
  openPackage,
  type OpenOptions,
  type SignaturePolicy,
} from '../../../src/model/mod.js';
import { keyPair, signFolder, temporaryFolder, writeSmallPackage } from '../../lib/model-package.js';

const NOW_MS = Date.UTC(2026, 5, 1);

describe('openPackage', () => {
  const { privatePem, publicPem } = keyPair();
  const signer = createKeySigner(privatePem);
  let root = '';
  let good = '';
  let copies = 0;

  before(async () => {
    root = await temporaryFolder();
    good = (await writeSmallPackage(join(root, 'good'), { signer })).folder;
  });
  after(() => rm(root, { recursive: true, force: true }));

  function options(policy: SignaturePolicy = 'required', keys = [publicPem]): OpenOptions {
    return { trust: { policy, keys }, nowMs: NOW_MS };
  }

  async function copy(): Promise<string> {
    const folder = join(root, `copy-${copies++}`);
    await cp(good, folder, { recursive: true });
    return folder;
  }

  async function refused(folder: string, pattern: RegExp, opened = options()): Promise<void> {
    await assert.rejects(openPackage(folder, opened), (error: unknown) => {
      assert.ok(error instanceof EdgeError, String(error));
      assert.equal(error.code, 'FAILED_PRECONDITION');
      assert.match(error.message, pattern);
      assert.doesNotMatch(error.message, /\.$/);
      return true;
    });
  }

  it('gives the bytes that it verified', async () => {
    const opened = await openPackage(good, options());
    assert.deepEqual(
      Buffer.from(opened.model ?? []),
      Buffer.from('not a model, but forty bytes of something'),
    );
    assert.deepEqual([...opened.files.keys()].sort(), ['model.onnx', 'samples.json']);
    assert.equal(opened.signature.state, 'verified');
    assert.equal(opened.manifest.name, 'Doubler');
  });

  // Each byte costs a whole opening, so the longer files are sampled here; the fault suite takes every byte.
  it('refuses a package with a bit of any byte of any file flipped', async () => {
    const folder = await copy();
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const bytes = await readFile(path);
      for (let at = 0; at < bytes.length; at += bytes.length > 500 ? 13 : 1) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
        await writeFile(path, changed);
        await assert.rejects(
          openPackage(folder, options()),
          { code: 'FAILED_PRECONDITION' },
          `byte ${at} of ${name}`,
        );
      }
      await writeFile(path, bytes);
    }
    await openPackage(folder, options());
  });

  it('refuses files that swapped places', async () => {
    const folder = await copy();
    await rename(join(folder, 'LICENCE.txt'), join(folder, 'aside'));
    await rename(join(folder, 'samples.json'), join(folder, 'LICENCE.txt'));
    await rename(join(folder, 'aside'), join(folder, 'samples.json'));
    await refused(folder, /LICENCE\.txt|samples\.json/);
  });

  it('refuses an edit of equal size', async () => {
    const folder = await copy();
    const text = await readFile(join(folder, 'LICENCE.txt'), 'utf8');
    await writeFile(join(folder, 'LICENCE.txt'), text.replace('like', 'hate'));
    await refused(folder, /LICENCE\.txt is not acceptable: its SHA-256 must be/);
  });

  it('refuses a shorter and a longer file', async () => {
    const folder = await copy();
    await writeFile(join(folder, 'model.onnx'), 'short');
    await refused(folder, /model\.onnx is not acceptable: its size must be 41 bytes: current size is 5/);
    await writeFile(join(folder, 'model.onnx'), 'x'.repeat(5000));
    await refused(folder, /model\.onnx is not acceptable: it must be at most 41 bytes/);
  });

  it('refuses a file too many, hidden ones and folders included', async () => {
    for (const name of ['extra.bin', '.hidden', 'MODEL.onnx', 'a b']) {
      const folder = await copy();
      await writeFile(join(folder, name), 'x');
      await refused(folder, /the manifest does not list it/);
    }
    const folder = await copy();
    await mkdir(join(folder, 'deeper'));
    await refused(folder, /deeper is not acceptable: a package has no subfolders/);
  });

  it('refuses a missing file, and a renamed one', async () => {
    for (const name of ['model.onnx', 'samples.json', 'LICENCE.txt', 'manifest.json']) {
      const folder = await copy();
      await rm(join(folder, name));
      await refused(folder, /it is missing/);
    }
    const folder = await copy();
    await rename(join(folder, 'model.onnx'), join(folder, 'model2.onnx'));
    await refused(folder, /does not list it/);
  });

  it('refuses symbolic links, hard links and pipes in place of any file', async () => {
    for (const name of ['model.onnx', 'manifest.json', 'model.sig']) {
      const folder = await copy();
      const outside = join(root, `outside-${copies}-${name}`);
      await rename(join(folder, name), outside);
      await symlink(outside, join(folder, name));
      await refused(folder, /it is a symbolic link/);
      await rm(join(folder, name));
      await link(outside, join(folder, name));
      await refused(folder, /it must have one hard link: it has 2/);
      await rm(join(folder, name));
      execFileSync('mkfifo', [join(folder, name)]);
      await refused(folder, /it is not a regular file/);
    }
  });

  it('refuses the signature of another package, and one by a key that is not trusted', async () => {
    const other = await writeSmallPackage(join(root, 'other'), { manifest: { version: '2.0.0' }, signer });
    const folder = await copy();
    await cp(join(other.folder, 'model.sig'), join(folder, 'model.sig'));
    await refused(folder, /manifest\.json is not acceptable: its signed SHA-256/);
    await refused(good, /its key is not trusted/, options('required', [keyPair().publicPem]));
    await refused(good, /its key is not trusted/, options('if-present', []));
  });

  it('refuses a signature that covers more, or less, than the package holds', async () => {
    const { manifest, digest } = await openPackage(good, options());
    const less = { ...manifest, files: manifest.files.slice(1) };
    const more = {
      ...manifest,
      files: [...manifest.files, { ...(manifest.files[0] ?? assert.fail()), path: 'more.bin' }],
    };
    const folder = await copy();
    await signFolder(folder, less, digest, signer);
    await refused(folder, /the signature does not cover it/);
    await signFolder(folder, more, digest, signer);
    await refused(folder, /the signature covers it, but it is not there/);
  });

  it('follows the signature policy', async () => {
    const folder = await copy();
    await rm(join(folder, 'model.sig'));
    await refused(folder, /it is not signed: policy is required/);
    assert.equal((await openPackage(folder, options('if-present'))).signature.state, 'unsigned');
    assert.equal((await openPackage(folder, options('off'))).signature.state, 'unchecked');
    await writeFile(join(folder, 'model.sig'), '{}');
    await refused(folder, /Cannot read the signature/, options('if-present'));
  });

  it('refuses another manifest than the one that was asked for', async () => {
    await refused(good, /its SHA-256 must be 0{64}/, { ...options(), expectedDigest: '0'.repeat(64) });
  });

  it('says NOT_FOUND for a folder that is not there', async () => {
    await assert.rejects(openPackage(join(root, 'nowhere'), options()), { code: 'NOT_FOUND' });
  });
});
