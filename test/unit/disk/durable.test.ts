import { strict as assert } from 'node:assert';
import { mkdtemp, rm, stat, symlink, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryFiles, nodeFiles, type DurableFiles } from '../../../src/disk/mod.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const shown = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);

function contract(name: string, make: () => Promise<{ files: DurableFiles; root: string }>): void {
  describe(`durable files: ${name}`, () => {
    it('reads back what was written last, and undefined where nothing was', async () => {
      const { files, root } = await make();
      const path = join(root, 'deep', 'state.json');
      assert.equal(await files.read(path), undefined);
      await files.write(path, text('one'));
      await files.write(path, text('two'));
      assert.equal(shown(await files.read(path)), 'two');
    });

    it('puts a damaged file aside under a name that it tells', async () => {
      const { files, root } = await make();
      const path = join(root, 'state.json');
      await files.write(path, text('damaged'));
      const aside = await files.setAside(path);
      assert.equal(await files.read(path), undefined);
      assert.equal(shown(await files.read(aside)), 'damaged');
    });

    it('removes a file, and does not mind one that is not there', async () => {
      const { files, root } = await make();
      const path = join(root, 'state.json');
      await files.write(path, text('x'));
      await files.remove(path);
      await files.remove(path);
      assert.equal(await files.read(path), undefined);
    });
  });
}

const folders: string[] = [];
const folder = async (): Promise<string> => {
  const made = await mkdtemp(join(tmpdir(), 'durable-'));
  folders.push(made);
  return made;
};
after(async () => {
  for (const made of folders) await rm(made, { recursive: true, force: true });
});

contract('memory', async () => ({ files: memoryFiles(), root: '/state' }));
contract('disk', async () => ({ files: nodeFiles, root: await folder() }));

describe('durable files on disk', () => {
  it('are private, and leave no temp file', async () => {
    const root = await folder();
    await nodeFiles.write(join(root, 'state.json'), text('x'));
    assert.equal((await stat(join(root, 'state.json'))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(root), ['state.json']);
  });

  it('never write through a link that stands where the temp file should', async () => {
    const root = await folder();
    const victim = join(root, 'victim');
    await writeFile(victim, 'untouched');
    await symlink(victim, join(root, '.state.json.tmp'));
    await nodeFiles.write(join(root, 'state.json'), text('new'));
    assert.equal(await readFile(victim, 'utf8'), 'untouched');
    assert.equal(await readFile(join(root, 'state.json'), 'utf8'), 'new');
  });
});
