import assert from 'node:assert/strict';
import { EdgeError, ManualClock } from '../../../src/core/mod.js';
import { createMemoryModelHosts } from '../../../src/runtime/host/mod.js';
import type { LoadSpec, RunRequest } from '../../../src/runtime/host/port/mod.js';
import { hostTensor } from '../../lib/model-hosts.js';

const spec: LoadSpec = {
  key: 'Doubler@1.0.0',
  folder: '/packages/doubler',
  trust: { policy: 'off', keys: [] },
  threads: 1,
  concurrency: 1,
  runSamples: true,
};
const request: RunRequest = {
  inputs: [hostTensor({ name: 'x', datatype: 'FP32', shape: [1], data: [1] })],
  capture: { mode: 'policies', captureId: 'c1', clockSynchronised: true },
};

describe('the in-memory model hosts', () => {
  it('echo by default and name what they loaded', async () => {
    const hosts = createMemoryModelHosts(new ManualClock());
    const model = await hosts.load(spec);
    assert.equal(model.report.name, 'Doubler');
    assert.deepEqual((await model.run(request, 100)).outputs, request.inputs);
    assert.deepEqual(hosts.loaded, ['Doubler@1.0.0']);
    await hosts.close();
    assert.equal((await model.gone).kind, 'closed');
    assert.deepEqual(hosts.loaded, []);
  });

  it('kill a host that hangs past its deadline', async () => {
    const clock = new ManualClock();
    const hosts = createMemoryModelHosts(clock, () => ({ run: () => 'hang' }));
    const model = await hosts.load(spec);
    const run = assert.rejects(model.run(request, 200), { code: 'DEADLINE_EXCEEDED' });
    await clock.advance(200);
    await run;
    assert.equal((await model.gone).kind, 'killed-deadline');
    assert.equal(hosts.restarts, 1);
  });

  it('fail running and later requests of a host that crashes', async () => {
    const hosts = createMemoryModelHosts(new ManualClock(), () => ({ run: () => 'hang' }));
    const model = await hosts.load(spec);
    const run = assert.rejects(model.run(request, 200), { code: 'UNAVAILABLE' });
    hosts.crash(spec.key);
    await run;
    await assert.rejects(model.run(request, 200), { code: 'UNAVAILABLE' });
  });

  it('refuse what the script refuses', async () => {
    const hosts = createMemoryModelHosts(new ManualClock(), () => ({
      load: () => {
        throw new EdgeError('FAILED_PRECONDITION', 'Cannot open the package as it is not signed');
      },
    }));
    await assert.rejects(hosts.load(spec), { code: 'FAILED_PRECONDITION' });
    assert.deepEqual(hosts.loaded, []);
  });
});
