import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EdgeError } from '../../../src/core/mod.js';
import { isAlive, ownIdentity, readBootIdentity } from '../../../src/system/mod.js';
import { MemoryDisk, nodeDisk, type Disk } from '../../../src/disk/mod.js';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = (given: Uint8Array): string => Buffer.from(given).toString();

async function rejectsWith(work: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(work, (error) => error instanceof EdgeError && error.code === code);
}

/** What every disk does, the real one and its twin. */
function diskContract(title: string, make: () => { disk: Disk; root: string; close: () => void }): void {
  describe(`${title} as a disk`, () => {
    let disk: Disk;
    let root = '';
    let close: () => void;
    beforeEach(async () => {
      ({ disk, root, close } = make());
      await disk.makeFolder(root);
    });
    afterEach(() => close());

    it('appends, cuts, syncs and reads back, from the start and from the end', async () => {
      const file = await disk.create(join(root, 'a'));
      await file.append(bytes('hello '));
      await file.append(bytes('wrong'));
      await file.truncate(6);
      await file.append(bytes('world'));
      await file.sync();
      await file.close();
      assert.equal(textOf(await disk.read(join(root, 'a'))), 'hello world');
      assert.equal(textOf(await disk.read(join(root, 'a'), -5)), 'world');
      assert.equal(textOf(await disk.read(join(root, 'a'), 6)), 'world');
      assert.equal((await disk.stat(join(root, 'a')))?.sizeBytes, 11);
    });

    it('lists, renames over what is there, and removes', async () => {
      for (const name of ['a', 'b']) {
        const file = await disk.create(join(root, name));
        await file.append(bytes(name));
        await file.close();
      }
      await disk.rename(join(root, 'a'), join(root, 'b'));
      await disk.syncFolder(root);
      assert.deepEqual(await disk.list(root), ['b']);
      assert.equal(textOf(await disk.read(join(root, 'b'))), 'a');
      await disk.remove(join(root, 'b'));
      await disk.remove(join(root, 'b'));
      assert.deepEqual(await disk.list(root), []);
    });

    it('says what is wrong by code', async () => {
      await rejectsWith(disk.read(join(root, 'none')), 'NOT_FOUND');
      await rejectsWith(disk.rename(join(root, 'none'), join(root, 'other')), 'NOT_FOUND');
      await (await disk.create(join(root, 'a'))).close();
      await rejectsWith(disk.create(join(root, 'a')), 'ALREADY_EXISTS');
      assert.equal(await disk.stat(join(root, 'none')), undefined);
      assert.deepEqual(await disk.list(join(root, 'no-folder')), []);
    });
  });
}

diskContract('memory', () => ({ disk: new MemoryDisk(), root: '/root', close: () => undefined }));
diskContract('the machine', () => {
  const root = mkdtempSync(join(tmpdir(), 'edge-manager-disk-'));
  return { disk: nodeDisk, root, close: () => rmSync(root, { recursive: true, force: true }) };
});

describe('the machine’s disk', () => {
  it('follows no link', async () => {
    const root = mkdtempSync(join(tmpdir(), 'edge-manager-disk-'));
    try {
      writeFileSync(join(root, 'secret'), 'x');
      symlinkSync(join(root, 'secret'), join(root, 'link'));
      await rejectsWith(nodeDisk.read(join(root, 'link')), 'UNAVAILABLE');
      await rejectsWith(nodeDisk.create(join(root, 'link')), 'ALREADY_EXISTS');
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});

describe('the memory disk', () => {
  it('forgets what was not synced, names and bytes', async () => {
    const disk = new MemoryDisk();
    const named = await disk.create('/d/named');
    await disk.syncFolder('/d');
    await named.append(bytes('synced'));
    await named.sync();
    await named.append(bytes(' not'));
    const nameless = await disk.create('/d/nameless');
    await nameless.append(bytes('x'));
    await nameless.sync();
    disk.cutPower();
    assert.deepEqual(await disk.list('/d'), ['named']);
    assert.equal(textOf(await disk.read('/d/named')), 'synced');
  });

  it('takes what fits and says that it is full', async () => {
    const disk = new MemoryDisk();
    disk.capacityBytes = 3;
    const file = await disk.create('/d/a');
    await rejectsWith(file.append(bytes('hello')), 'RESOURCE_EXHAUSTED');
    assert.equal(textOf(await disk.read('/d/a')), 'hel');
  });
});

describe('processes and boots', () => {
  it('tells a live process from one that ended and from a later one with its number', async () => {
    const own = await ownIdentity();
    assert.equal(await isAlive(own), true);
    assert.equal(await isAlive({ ...own, started: '1' }), false);
    assert.equal(await isAlive({ pid: 2 ** 22 + 1, started: '1' }), false);
  });

  it('names the boot, the same each time', async () => {
    const one = await readBootIdentity();
    assert.equal(one.bootId, (await readBootIdentity()).bootId);
    assert.ok(one.bootId.length >= 32);
    assert.ok(one.monotonicMs() > 0);
  });
});
