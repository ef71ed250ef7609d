import assert from 'node:assert/strict';
import { EdgeError } from '../../../src/core/mod.js';
import type { HostedModel } from '../../../src/runtime/host/port/mod.js';
import { longRun, reportFaultRow, skipFaultRow } from '../../lib/fault-table.js';
import { HOST_ENGINES } from '../../lib/host-engines.js';
import { HostBench, hostPids, outputFloats, runRequest } from '../../lib/model-hosts.js';
import { bombPackage, identityPackage, loopPackage } from '../../lib/test-models.js';
import { floats, tensorOf } from '../../lib/tensors.js';
import { until } from '../../lib/until.js';

const KILLS = longRun() ? 100 : 5;
const LOAD = 8;
const FOREVER = tensorOf('trips', 'INT64', [], BigInt64Array.of(10n ** 12n));

/** S1 of the promises: whatever ends a host, it ends that one alone, its callers are told at once, and it comes back. */
for (const engine of HOST_ENGINES) {
  describe(`S1: a host in ${engine.name} that is lost`, () => {
    before(function () {
      const absence = engine.absence();
      if (absence === undefined) return;
      skipFaultRow('S1', absence);
      this.skip();
    });
    const create = (rest: { maxHostBytes?: number } = {}): Promise<HostBench> =>
      HostBench.create({ ...engine.settings('Identity', 'Other', 'Loop', 'Bomb'), ...rest });

    it(`by kill -9 under load, ${KILLS} times, gives each caller one answer or one refusal, and is loaded again`, async () => {
      await using bench = await create();
      const other = await bench.hosts.load(await bench.package(identityPackage('Other')));
      const spec = await bench.package(identityPackage());
      const tally = { answered: 0, refused: 0 };
      for (let kill = 0; kill < KILLS; kill++) {
        const before = await hostPids();
        const model = await bench.hosts.load(spec);
        const [pid] = (await hostPids()).filter((one) => !before.includes(one));
        assert.ok(pid !== undefined);
        const former = tally.answered;
        const callers = Array.from({ length: LOAD }, (_, index) =>
          untilLost(model, index, () => void tally.answered++),
        );
        await until(() => tally.answered > former + LOAD, 'they are served');
        process.kill(pid, 'SIGKILL');
        await Promise.all(callers);
        tally.refused += LOAD;
        assert.equal((await model.gone).kind, 'crashed');
        await answersRightly(other, kill);
      }
      assert.equal(bench.hosts.restarts, KILLS);
      reportFaultRow({
        row: 'S1',
        cycles: KILLS,
        lost: 0,
        duplicated: 0,
        corrupt: 0,
        note: `${engine.name}: ${tally.answered} answered, ${tally.refused} refused at ${KILLS} kills -9`,
      });
    });

    it('by a crash in native code fails the run that it was at, and no other model', async () => {
      await using bench = await create();
      const other = await bench.hosts.load(await bench.package(identityPackage('Other')));
      const before = await hostPids();
      const model = await bench.hosts.load(await bench.package(loopPackage()));
      const [pid] = (await hostPids()).filter((one) => !before.includes(one));
      assert.ok(pid !== undefined);
      const run = assert.rejects(model.run(runRequest([floats('x', [1]), FOREVER]), 60_000), {
        code: 'UNAVAILABLE',
        atFault: true,
      });
      process.kill(pid, 'SIGSEGV');
      await run;
      const exit = await model.gone;
      assert.equal(exit.kind, 'crashed');
      assert.match(exit.sentence, /SIGSEGV/);
      await answersRightly(other, 3);
    });

    it('by outgrowing its memory is ended with that reason, and no other model', async () => {
      await using bench = await create({ maxHostBytes: 400 * 2 ** 20 });
      const other = await bench.hosts.load(await bench.package(identityPackage('Other')));
      const model = await bench.hosts.load(await bench.package(bombPackage()));
      const size = tensorOf('size', 'INT64', [1], BigInt64Array.of(500_000_000n));
      await assert.rejects(model.run(runRequest([size]), 60_000), { reason: 'MEMORY_LIMIT' });
      assert.equal((await model.gone).kind, 'killed-memory');
      await answersRightly(other, 5);
    });
  });
}

/** Asks again and again until the host is gone: each answer is right, and the end is told as such. */
async function untilLost(model: HostedModel, value: number, answered: () => void): Promise<void> {
  for (;;) {
    try {
      await answersRightly(model, value);
      answered();
    } catch (error) {
      assert.ok(error instanceof EdgeError, String(error));
      assert.equal(error.code, 'UNAVAILABLE', error.message);
      return;
    }
  }
}

async function answersRightly(model: HostedModel, value: number): Promise<void> {
  const { outputs } = await model.run(runRequest([floats('x', [value])]), 60_000);
  assert.deepEqual(outputFloats(outputs[0]), [value]);
}
