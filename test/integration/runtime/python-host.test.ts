import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../../examples/stage/root.js';
import { keepsTheHostContract } from '../../lib/host-contract.js';
import { writeTestPackage, type TestPackage } from '../../lib/model-hosts.js';
import { pythonAbsence, pythonProgram } from '../../lib/python-host.js';

const SOURCES = join(ROOT, 'src/runtime/host/python');

describe('the model host in Python', () => {
  before(function () {
    const absence = pythonAbsence('numpy', 'onnx', 'onnxruntime');
    if (absence === undefined) return;
    console.log(`      skipped: ${absence}`);
    this.skip();
  });

  it('passes its own tests, which speak the protocol from outside', () => {
    const tests = join(ROOT, 'test/engines/python_host_test.py');
    const { status, stderr } = spawnSync('python3', ['-B', tests], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^Ran [1-9][0-9]* tests/m);
  });

  describe('keeps the contract of hosts', () => {
    keepsTheHostContract(() =>
      Promise.resolve({
        program: { command: pythonProgram(), arguments: ['-I', '-B', SOURCES] },
        load: async (folder, fixture) => ({ verified: await verified(folder, fixture) }),
      }),
    );
  });
});

async function verified(folder: string, fixture: TestPackage): Promise<object> {
  const path = join(await writeTestPackage(folder, fixture), 'model.onnx');
  const bytes = await readFile(path);
  const { name, inputs, outputs } = fixture;
  return {
    digest: 'a'.repeat(64),
    name,
    version: '1.0.0',
    model: { path, sha256: createHash('sha256').update(bytes).digest('hex'), byteSize: bytes.length },
    weights: [],
    inputs,
    outputs,
    threads: 1,
    providers: [{ name: 'CPUExecutionProvider', options: {} }],
  };
}
