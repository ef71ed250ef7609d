import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunRequest } from '../../../src/runtime/host/port/mod.js';
import { HostBench, hostPids, hostTensor, outputFloats, runRequest } from '../../lib/model-hosts.js';
import { floats, tensorOf } from '../../lib/tensors.js';
import {
  bombPackage,
  identityPackage,
  logPackage,
  loopPackage,
  weightyPackage,
  widePackage,
} from '../../lib/test-models.js';
import { until } from '../../lib/until.js';
import { isWithin } from '../../lib/patience.js';

const MEBIBYTE = 2 ** 20;
const FOREVER = tensorOf('trips', 'INT64', [], BigInt64Array.of(10n ** 12n));

describe('a shared model host', () => {
  let bench: HostBench;
  beforeEach(async () => {
    bench = await HostBench.create({ isolation: 'shared' });
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  it('holds all models in one process, and ends with the last', async () => {
    const first = await bench.hosts.load(await bench.package(identityPackage('First')));
    const second = await bench.hosts.load(await bench.package(identityPackage('Second')));
    assert.equal((await hostPids()).length, 1);
    assert.deepEqual(outputFloats((await first.run(runRequest([floats('x', [1])]), 60_000)).outputs[0]), [1]);
    await first.unload();
    assert.deepEqual(
      outputFloats((await second.run(runRequest([floats('x', [2])]), 60_000)).outputs[0]),
      [2],
    );
    await second.unload();
    await until(async () => (await hostPids()).length === 0, 'the host ends');
  });

  it('reruns the requests of other models when one hangs', async () => {
    const other = await bench.hosts.load(await bench.package(identityPackage()));
    const hanging = await bench.hosts.load(await bench.package(loopPackage()));
    const hang = assert.rejects(hanging.run(runRequest([floats('x', [1]), FOREVER]), 200), {
      code: 'DEADLINE_EXCEEDED',
    });
    const waiting = [1, 2, 3].map((value) => other.run(runRequest([floats('x', [value])]), 60_000));
    await hang;
    assert.equal((await hanging.gone).kind, 'killed-deadline');
    const results = await Promise.all(waiting);
    assert.deepEqual(
      results.map(({ outputs }) => outputFloats(outputs[0])),
      [[1], [2], [3]],
    );
    assert.deepEqual(outputFloats((await other.run(runRequest([floats('x', [4])]), 60_000)).outputs[0]), [4]);
  });

  it('answers within the deadline of a request, whether or not the new host is there by then', async () => {
    const other = await bench.hosts.load(await bench.package(identityPackage()));
    const hanging = await bench.hosts.load(await bench.package(loopPackage()));
    const hang = assert.rejects(hanging.run(runRequest([floats('x', [1]), FOREVER]), 200), {
      code: 'DEADLINE_EXCEEDED',
    });
    const begun = performance.now();
    const short = assert.rejects(other.run(runRequest([floats('x', [1])]), 250), {
      code: 'DEADLINE_EXCEEDED',
    });
    const long = other.run(runRequest([floats('x', [2])]), 60_000);
    await short;
    // The new host takes longer to start than was left.
    assert.ok(isWithin(performance.now() - begun, 2000));
    await hang;
    assert.deepEqual(outputFloats((await long).outputs[0]), [2]);
  });

  it('gives back the memory of a model that is unloaded', async () => {
    const small = await bench.hosts.load(await bench.package(identityPackage()));
    await small.run(runRequest([floats('x', [1])]), 60_000);
    const before = await small.measureBytes();
    const large = await bench.hosts.load(await bench.package(weightyPackage(32 * MEBIBYTE)));
    await large.run(runRequest([floats('x', [1])]), 60_000);
    const grownMb = ((await small.measureBytes()) - before) / MEBIBYTE;
    assert.ok(grownMb > 30, `the large model takes ${grownMb} MB`);
    await large.unload();
    await until(
      async () => (await small.measureBytes()) - before < 15 * MEBIBYTE,
      'the memory comes back',
      20_000,
    );
  });

  it('answers the others rightly whatever one model does: crash, hang, memory, values that are none, much at once', async () => {
    const other = await bench.hosts.load(await bench.package(identityPackage('Other')));
    const log = await bench.hosts.load(await bench.package(logPackage()));
    const bomb = await bench.hosts.load(await bench.package(bombPackage()));
    const wide = await bench.hosts.load(await bench.package(widePackage(2 ** 20)));
    const right = async (value: number): Promise<void> => {
      const { outputs, nonFinite } = await other.run(runRequest([floats('x', [value])]), 60_000);
      assert.deepEqual([outputFloats(outputs[0]), nonFinite], [[value], false]);
    };
    const besides = async (value: number, act: Promise<unknown>): Promise<void> => {
      await Promise.all([act, right(value), right(-value)]);
      await right(value + 0.5);
    };
    const size = (elements: bigint): RunRequest =>
      runRequest([hostTensor({ name: 'size', datatype: 'INT64', shape: [1], data: [String(elements)] })]);

    const nan = log
      .run(runRequest([floats('x', [-1])]), 60_000)
      .then(({ nonFinite }) => assert.ok(nonFinite));
    await besides(1, nan);
    await besides(2, assert.rejects(bomb.run(size(10n ** 13n), 60_000), { code: 'RESOURCE_EXHAUSTED' }));
    const large = wide.run(runRequest([floats('x', [1])], { maxInlineBytes: 2 ** 16 }), 60_000);
    await besides(3, assert.rejects(large, { code: 'INVALID_ARGUMENT', field: 'outputFile' }));
    const hanging = await bench.hosts.load(await bench.package(loopPackage()));
    const hang = hanging.run(runRequest([floats('x', [1]), FOREVER]), 200);
    await besides(4, assert.rejects(hang, { code: 'DEADLINE_EXCEEDED' }));

    const again = await bench.hosts.load(await bench.package(loopPackage('Again')));
    const crash = assert.rejects(again.run(runRequest([floats('x', [1]), FOREVER]), 60_000), {
      code: 'UNAVAILABLE',
    });
    const [pid] = await hostPids();
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGSEGV');
    await besides(5, crash);
  });

  it('keeps the compiled graphs of each package in a folder of its own, which it may not make', async () => {
    for (const name of ['First', 'Second']) {
      const compiledCacheFolder = join(bench.folder, 'cache', name);
      const spec = {
        ...(await bench.package(identityPackage(name))),
        compiledCacheFolder,
        runSamples: false,
      };
      const { report } = await bench.hosts.load(spec);
      assert.match(String(report.compiledDigest), /^[0-9a-f]{64}$/);
    }
    assert.deepEqual((await readdir(join(bench.folder, 'cache'))).toSorted(), ['First', 'Second']);
  });

  it('lets a package that is refused harm nobody', async () => {
    const other = await bench.hosts.load(await bench.package(identityPackage()));
    const samples = [{ name: 'wrong', inputs: [floats('x', [7])], outputs: [floats('y', [8])] }];
    const bad = await bench.package({ ...identityPackage('Bad'), samples });
    await assert.rejects(bench.hosts.load(bad), { code: 'FAILED_PRECONDITION' });
    assert.deepEqual(outputFloats((await other.run(runRequest([floats('x', [4])]), 60_000)).outputs[0]), [4]);
    assert.equal(bench.hosts.restarts, 0);
  });
});
