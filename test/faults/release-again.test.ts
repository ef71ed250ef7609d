import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cyclonedxAbsence, cyclonedxProblem } from '../lib/cyclonedx.js';
import { longRun } from '../lib/fault-table.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

describe('faults: a release that nobody can check', () => {
  let folder = '';
  before(async function () {
    if (!longRun()) this.skip();
    folder = await mkdtemp(join(tmpdir(), 'release-again-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** A clone of `from` with this checkout's packages. */
  async function clone(from: string, name: string): Promise<string> {
    const path = join(folder, name);
    run('git', ['clone', '--quiet', from, path], folder);
    await cp(join(ROOT, 'node_modules'), join(path, 'node_modules'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    run('git', ['config', 'user.name', 'Someone'], path);
    run('git', ['config', 'user.email', 'someone@example.com'], path);
    return path;
  }

  it('gives the same sums to whoever makes it again elsewhere from its tag', async () => {
    const first = await clone(ROOT, 'first');
    // Right after a release there is nothing to tell of the next one.
    const changes = join(first, 'CHANGELOG.md');
    const told = await readFile(changes, 'utf8');
    await writeFile(changes, told.replace('## Unreleased\n', '## Unreleased\n\n- Something to tell.\n'));
    run('git', ['commit', '--quiet', '--all', '--message', 'Tell something'], first);
    run('npm', ['run', '--silent', 'release', '--', '99.0.0'], first);
    const again = await clone(first, 'somewhere-else');
    run('git', ['checkout', '--quiet', 'v99.0.0'], again);
    run('npm', ['run', '--silent', 'release', '--', '--again'], again);
    const sums = await readFile(join(first, 'dist/release/99.0.0/SHA256SUMS'), 'utf8');
    assert.equal(await readFile(join(again, 'dist/release/99.0.0/SHA256SUMS'), 'utf8'), sums);
    for (const platform of ['amd64', 'aarch64'])
      assert.ok(sums.includes(`agent-runtime-linux-${platform}.zip`));
    run('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], join(first, 'dist/release/99.0.0'));
  });

  it('has bills of materials that CycloneDX’s own schema takes', async function () {
    if (cyclonedxAbsence() !== undefined) return this.skip();
    const bills = join(folder, 'first/dist/release/99.0.0/sbom');
    const names = await readdir(bills);
    assert.equal(names.length, 5);
    for (const name of names)
      assert.equal(cyclonedxProblem(await readFile(join(bills, name), 'utf8')), undefined, name);
  });
});

function run(program: string, args: readonly string[], folder: string): void {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}\n${stdout}\n${stderr}`);
}
