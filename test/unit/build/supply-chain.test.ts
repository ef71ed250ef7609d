import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../../src/system/mod.js';
import { CODE_COMPONENTS, billOfMaterials, bundle, shippedPackages } from '../../../deploy/build/mod.js';

const root = fileURLToPath(new URL('../../../..', import.meta.url)).replace(/\/$/, '');

interface Lockfile {
  readonly packages: Readonly<
    Record<string, { version?: string; resolved?: string; integrity?: string; link?: boolean }>
  >;
}

describe('supply chain (S7)', () => {
  let lock: Lockfile;
  before(async () => {
    lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
  });

  it('the lockfile pins every package by integrity and names no registry host', () => {
    const entries = Object.entries(lock.packages).filter(([path]) => path !== '');
    assert.ok(entries.length > 100);
    for (const [path, entry] of entries) {
      assert.equal(entry.resolved, undefined, path);
      assert.match(entry.integrity ?? '', /^sha512-/, path);
    }
  });

  it('the lockfile agrees with package.json, and packages run no install scripts', async () => {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    const locked = lock.packages[''] as unknown as Record<string, unknown>;
    assert.deepEqual(locked['dependencies'], manifest['dependencies']);
    assert.deepEqual(locked['devDependencies'], manifest['devDependencies']);
    assert.match(await readFile(join(root, '.npmrc'), 'utf8'), /^ignore-scripts=true$/m);
  });

  for (const component of CODE_COMPONENTS) {
    it(`the bill of materials of ${component.name} covers what its code and native files come from`, async () => {
      const { packages, files } = await bundle(component, root);
      for (const { bytes } of files) assert.doesNotMatch(Buffer.from(bytes).toString(), /\bEDGE_VERSION\b/);
      const shipped = shippedPackages(packages, root);
      const bom = JSON.parse(
        billOfMaterials({ name: component.name, version: VERSION, packages: shipped, files: [] }),
      ) as {
        components: { name: string; version: string; licenses: unknown[] }[];
      };
      const listed = new Map(bom.components.map((one) => [one.name, one]));
      for (const name of component.native) assert.ok(listed.has(name), name);
      for (const [name, one] of listed) {
        assert.equal(one.version, lock.packages[`node_modules/${name}`]?.version, name);
        assert.equal(one.licenses.length, 1, name);
      }
      // A device's share of the supply chain: a jump here is a decision, not an accident.
      assert.ok(listed.size <= 60, `${listed.size} packages`);
    });
  }
});
