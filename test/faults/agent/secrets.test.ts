import assert from 'node:assert/strict';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentBench } from '../../lib/agent-process.js';
import { reportFaultRow } from '../../lib/fault-table.js';
import { writeTestPackage } from '../../lib/model-hosts.js';
import { floats } from '../../lib/tensors.js';
import { identityPackage } from '../../lib/test-models.js';

describe('faults: local secrets and files', () => {
  it('S6: files are private, children know no secret, logs and arguments hold none', async () => {
    await using bench = await AgentBench.create({
      configuration: { capture: { policies: [{ type: 'percentage', percent: 100 }] } },
    });
    const secret = 'AKIDSECRET-token-of-the-test';
    await bench.start({
      AWS_CONTAINER_AUTHORIZATION_TOKEN: secret,
      AWS_SECRET_ACCESS_KEY: secret,
      NODE_OPTIONS: '--no-deprecation',
    });
    const folder = await writeTestPackage(bench.root, identityPackage());
    assert.equal((await bench.register(folder, 'org.edgemanager.model.Identity')).code, 0);
    const app = await bench.app();
    await app.predict('Identity', [floats('x', [1])], { capture: 'always' });
    const { exchangeFolder } = await app.hello();

    const wrong: string[] = [];
    const entries = [...(await walk(bench.workFolder)), exchangeFolder];
    for (const path of entries) {
      const info = await lstat(path);
      if ((info.mode & 0o077) !== 0) wrong.push(`${path} ${(info.mode & 0o777).toString(8)}`);
    }
    assert.deepEqual(wrong, []);

    const svcuid = bench.environment['SVCUID'] ?? '';
    assert.ok(svcuid.length > 8);
    const control = await bench.controlPid();
    const children = await descendants(control);
    assert.ok(children.length >= 2, 'the model host and its sentinel');
    for (const pid of children) {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
      for (const word of ['SVCUID', 'AWS_', 'NODE_OPTIONS', svcuid, secret]) {
        assert.ok(!environment.includes(word), `process ${pid} has ${word} in its environment`);
      }
    }
    for (const pid of [control, ...children]) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8');
      assert.ok(
        !line.includes(svcuid) && !line.includes(secret),
        `process ${pid} has a secret in its arguments`,
      );
    }
    assert.ok(!bench.log.includes(svcuid) && !bench.log.includes(secret), 'the log holds a secret');
    reportFaultRow({
      row: 'S6',
      cycles: entries.length + children.length,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `files=${entries.length} processes=${children.length}`,
    });
  });
});

async function walk(folder: string): Promise<string[]> {
  const found = [folder];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await walk(path)));
    else found.push(path);
  }
  return found;
}

async function descendants(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const children = text.trim().split(' ').filter(Boolean).map(Number);
  const below = await Promise.all(children.map((child) => descendants(child)));
  return [...children, ...below.flat()];
}
