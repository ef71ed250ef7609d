import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkTagged, release, releaseAgain } from '../../../deploy/release/mod.js';
import type { EdgeError } from '../../../src/core/mod.js';

const PACKAGE = '{\n  "name": "house",\n  "version": "1.0.0"\n}\n';
const LOCK =
  '{\n  "version": "1.0.0",\n  "packages": { "": { "version": "1.0.0" }, "node_modules/a": { "version": "1.0.0" } }\n}\n';

describe('npm run release', () => {
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'release-'));
    await write('package.json', PACKAGE);
    await write('package-lock.json', LOCK);
    await write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n\n- One.\n\n## 1.0.0\n\n- Zero.\n');
    await write('.gitignore', 'dist\nnode_modules\n');
    await mkdir(join(root, 'node_modules'));
    git('init', '--quiet', '--initial-branch', 'main');
    git('config', 'user.name', 'Someone');
    git('config', 'user.email', 'someone@example.com');
    git('add', '--all');
    git('commit', '--quiet', '--message', 'First');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const write = (name: string, text: string): Promise<void> => writeFile(join(root, name), text);
  const text = (name: string): Promise<string> => readFile(join(root, name), 'utf8');
  function git(...args: string[]): string {
    const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout.trim();
  }
  /** A release whose only artifact says which version it was made from. */
  async function assemble(clone: string, out: string): Promise<void> {
    await writeFile(join(out, 'artifact'), await readFile(join(clone, 'package.json')));
  }
  /** What the repository and dist/ hold, to compare before and after. */
  async function everything(): Promise<readonly unknown[]> {
    const releases = await readdir(join(root, 'dist', 'release')).catch(() => []);
    return [git('rev-parse', 'HEAD'), git('tag'), git('status', '--porcelain'), releases];
  }
  async function refusal(version: string): Promise<EdgeError> {
    const before = await everything();
    const thrown = await release(root, version, assemble).then(
      () => assert.fail('was released'),
      (error: unknown) => error as EdgeError,
    );
    assert.deepEqual(await everything(), before);
    return thrown;
  }

  it('commits the version and a closed changelog, tags them, and leaves the artifacts made from that commit', async () => {
    const out = await release(root, '1.1.0', assemble);
    assert.equal(out, join(root, 'dist', 'release', '1.1.0'));
    assert.match(await readFile(join(out, 'artifact'), 'utf8'), /"version": "1\.1\.0"/);
    assert.deepEqual(await readdir(join(root, 'dist', 'release')), ['1.1.0']);
    assert.equal(git('log', '-1', '--format=%s'), 'Release 1.1.0');
    assert.equal(git('describe', '--exact-match'), 'v1.1.0');
    assert.equal(git('status', '--porcelain'), '');
    assert.match(await text('CHANGELOG.md'), /## Unreleased\n\n## 1\.1\.0\n\n- One\./);
    const lock = JSON.parse(await text('package-lock.json')) as {
      version: string;
      packages: Record<string, { version: string }>;
    };
    assert.deepEqual(
      [lock.version, lock.packages['']?.version, lock.packages['node_modules/a']?.version],
      ['1.1.0', '1.1.0', '1.0.0'],
    );
  });

  it('refuses what is no version, and what is not greater', async () => {
    for (const version of ['1.1', 'v1.1.0', '1.1.0+build', 'NEXT_PATCH']) {
      const { reason, message } = await refusal(version);
      assert.equal(reason, 'VERSION_INVALID', version);
      assert.ok(message.includes(version));
    }
    for (const version of ['1.0.0', '0.9.0', '1.0.0-rc.1'])
      assert.match(
        (await refusal(version)).message,
        /greater than that of package\.json: current value is 1\.0\.0/,
      );
  });

  it('refuses a tree that differs from the last commit, by the names of files', async () => {
    await write('new.ts', '');
    assert.match((await refusal('1.1.0')).message, /files differ from the last commit: new\.ts$/);
  });

  it('refuses a version whose tag exists', async () => {
    git('tag', 'v1.1.0');
    assert.equal((await refusal('1.1.0')).reason, 'VERSION_PUBLISHED');
  });

  it('refuses where nothing stands under Unreleased', async () => {
    await write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n\n## 1.0.0\n\n- Zero.\n');
    git('commit', '--quiet', '--all', '--message', 'Nothing new');
    assert.match((await refusal('1.1.0')).message, /nothing under Unreleased/);
  });

  it('leaves nothing where the artifacts cannot be made', async () => {
    const before = await everything();
    const half = async (_clone: string, out: string): Promise<void> => {
      await writeFile(join(out, 'half'), '');
      throw new Error('the disk is full');
    };
    await assert.rejects(release(root, '1.1.0', half), /the disk is full/);
    assert.deepEqual(await everything(), before);
  });

  it('leaves nothing where the commit is refused', async () => {
    await writeFile(join(root, '.git', 'hooks', 'pre-commit'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const before = await everything();
    await assert.rejects(release(root, '1.1.0', assemble));
    assert.deepEqual(await everything(), before);
  });

  it('leaves nothing where the tag is refused', async () => {
    // Git takes no tag below one that is a file, nor one above.
    git('tag', 'v1.1.0/odd');
    const before = await everything();
    await assert.rejects(release(root, '1.1.0', assemble));
    assert.deepEqual(await everything(), before);
  });

  it('leaves what was committed or edited meanwhile, and refuses', async () => {
    for (const disturb of [
      () => git('commit', '--quiet', '--allow-empty', '--message', 'Meanwhile'),
      () => appendFileSync(join(root, 'CHANGELOG.md'), '- Meanwhile.\n'),
    ]) {
      let after: readonly unknown[] = [];
      const slow = async (): Promise<void> => {
        disturb();
        after = [git('rev-parse', 'HEAD'), await text('CHANGELOG.md')];
      };
      await assert.rejects(release(root, '1.1.0', slow), /has changed while its artifacts were made/);
      assert.deepEqual([git('rev-parse', 'HEAD'), await text('CHANGELOG.md')], after);
      assert.equal(git('tag'), '');
    }
  });

  it('makes the artifacts of a tag again, and of nothing else', async () => {
    await assert.rejects(releaseAgain(root, assemble), /its tag v1\.0\.0 is not at the last commit/);
    const first = await readFile(join(await release(root, '1.1.0', assemble), 'artifact'));
    const again = await readFile(join(await releaseAgain(root, assemble), 'artifact'));
    assert.deepEqual(again, first);
    assert.throws(
      () => checkTagged({ current: '1.1.0', changes: ' M a.ts', tags: ['v1.1.0'] }),
      /files differ from its commit: a\.ts/,
    );
  });
});
