import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../../../examples/stage/root.js';
import { pythonAbsence } from '../../lib/python-host.js';

describe('the model host in Python', () => {
  it('passes its own tests, which speak the protocol from outside', function () {
    const absence = pythonAbsence('numpy', 'onnx', 'onnxruntime');
    if (absence !== undefined) {
      console.log(`      skipped: ${absence}`);
      this.skip();
    }
    const tests = join(ROOT, 'test/engines/python_host_test.py');
    const { status, stderr } = spawnSync('python3', ['-B', tests], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^Ran [1-9][0-9]* tests/m);
  });
});
