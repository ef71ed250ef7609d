import { strict as assert } from 'node:assert';
import { createLogger } from '../../../src/core/mod.js';
import { floats } from '../../lib/tensors.js';
import { node, onnxModel } from '../../lib/onnx-builder.js';
import { HostBench, runRequest } from '../../lib/model-hosts.js';

describe('lines of a model host', () => {
  it('are logged up to a limit, however many runs fail', async () => {
    const lines: string[] = [];
    await using bench = await HostBench.create(
      {},
      undefined,
      createLogger(
        (line) => lines.push(line),
        () => 0,
      ),
    );
    const given = (name: string) => ({ name, datatype: 'FP32' as const, shape: ['n'] });
    const model = onnxModel({
      inputs: [given('x'), given('y')],
      outputs: [given('z')],
      nodes: [node('Add', ['x', 'y'], ['z'])],
    });
    const hosted = await bench.hosts.load(
      await bench.package({ name: 'Add', model, inputs: [given('x'), given('y')], outputs: [given('z')] }),
    );
    for (let run = 0; run < 100; run++) {
      const inputs = [floats('x', [1, 2]), floats('y', [1, 2, 3])];
      await assert.rejects(hosted.run(runRequest(inputs), 10_000), { reason: 'INPUTS_REFUSED' });
    }
    const wrote = lines.filter((line) => line.includes('"Model host wrote"'));
    assert.ok(wrote.length > 0 && wrote.length <= 30, String(wrote.length));
  });
});
