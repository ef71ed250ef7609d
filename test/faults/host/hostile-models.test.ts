import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError, SeededRandom } from '../../../src/core/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { completeManifest, encodeManifest, MANIFEST_FILE, type TensorSpec } from '../../../src/model/mod.js';
import type { HostedModel, LoadSpec } from '../../../src/runtime/host/port/mod.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { hostileModels, oneNodeModels } from '../../lib/hostile-models.js';
import { HostBench, outputFloats, runRequest } from '../../lib/model-hosts.js';
import { identityPackage } from '../../lib/test-models.js';
import { floats } from '../../lib/tensors.js';
import { isWithin, patientMs } from '../../lib/patience.js';

const MUTATED = longRun() ? 100_000 : 5_000;
const SEED = Number(process.env['EDGE_MANAGER_SEED'] ?? 20_260_101);
const one: Omit<TensorSpec, 'name'> = { datatype: 'FP32', shape: [1] };

/** S1 of the promises: whatever a model is, the process that answers for all models lives, and good models go on. */
describe('S1: hostile models', () => {
  it('are refused or contained, 17 kinds of them', async () => {
    await using bench = await HostBench.create({
      loadTimeoutMs: patientMs(5000),
      maxHostBytes: 1024 * 2 ** 20,
    });
    const good = await bench.hosts.load(await bench.package(identityPackage('Good')));
    const outcomes: string[] = [];
    let slowestMs = 0;
    for (const [index, [kind, model]] of hostileModels().entries()) {
      const spec = await bench.package({
        name: `Hostile${index}`,
        model,
        inputs: [{ name: 'x', ...one }],
        outputs: [{ name: 'y', ...one }],
      });
      outcomes.push(`${kind}: ${await outcomeOf(bench, spec)}`);
      slowestMs = Math.max(slowestMs, await predictsMs(good));
    }
    console.log(outcomes.map((line) => `      ${line}`).join('\n'));
    assert.equal(outcomes.length, 17);
    assert.deepEqual(
      outcomes.filter((line) => line.endsWith('ran')),
      [],
    );
    assert.ok(isWithin(slowestMs, 1000), `the next good predict took ${slowestMs} ms`);
    reportFaultRow({
      row: 'S1',
      cycles: 17,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `next good predict <= ${Math.ceil(slowestMs)} ms`,
    });
  });

  it(`are contained when mutated, ${MUTATED} one-node models`, async () => {
    console.log(`      seed ${SEED} (EDGE_MANAGER_SEED)`);
    await using bench = await HostBench.create({
      isolation: 'shared',
      loadTimeoutMs: patientMs(5000),
      maxHostBytes: 1024 * 2 ** 20,
    });
    const good = await bench.hosts.load(await bench.package(identityPackage('Good')));
    const random = new SeededRandom(SEED);
    const seeds = oneNodeModels();
    const counts = new Map<string, number>();
    const startRss = process.memoryUsage.rss();
    let slowestMs = 0;
    for (let index = 0; index < MUTATED; index++) {
      const model = mutate(seeds[index % seeds.length] ?? new Uint8Array(), random);
      const outcome = await outcomeOf(bench, await writeModel(bench, model));
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      if (index % 20 === 0) slowestMs = Math.max(slowestMs, await predictsMs(good));
    }
    slowestMs = Math.max(slowestMs, await predictsMs(good));
    const grownMb = Math.round((process.memoryUsage.rss() - startRss) / 2 ** 20);
    const tally = [...counts].map(([outcome, count]) => `${outcome} ${count}`).join(', ');
    reportFaultRow({
      row: 'S1',
      cycles: MUTATED,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `${tally}; ${bench.hosts.restarts} hosts lost; next good predict <= ${Math.ceil(slowestMs)} ms; control process +${grownMb} MB`,
    });
    assert.ok(grownMb < 200, `the control process grew by ${grownMb} MB`);
    // A lost host comes back within this time, with the good model in it.
    assert.ok(isWithin(slowestMs, 3000), `the next good predict took ${slowestMs} ms`);
  });
});

/** The code of the refusal, or `ran` where the model gave an answer. */
async function outcomeOf(bench: HostBench, spec: LoadSpec): Promise<string> {
  let model: HostedModel | undefined;
  try {
    model = await bench.hosts.load(spec);
    await model.run(runRequest([floats('x', [2])]), 1000);
    return 'ran';
  } catch (error) {
    assert.ok(error instanceof EdgeError, String(error));
    assert.notEqual(error.code, 'INTERNAL', error.message);
    return error.code;
  } finally {
    await model?.unload();
  }
}

async function predictsMs(good: HostedModel): Promise<number> {
  const begunMs = systemClock.monotonicMs();
  const { outputs } = await good.run(runRequest([floats('x', [7])]), 60_000);
  const [output] = outputs;
  assert.deepEqual(outputFloats(output), [7]);
  return systemClock.monotonicMs() - begunMs;
}

/** Some bytes changed, sometimes cut or doubled, so that most stay near enough to a model to get deep. */
function mutate(model: Uint8Array, random: SeededRandom): Uint8Array {
  const pick = (below: number): number => Math.floor(random.fraction() * below);
  let bytes = Uint8Array.from(model);
  for (let edits = 1 + pick(2); edits > 0; edits--) {
    const at = pick(bytes.length);
    const old = bytes[at] ?? 0;
    bytes[at] = [pick(256), old ^ (1 << pick(8)), 0, 0xff, old + 1][pick(5)] ?? 0;
  }
  if (pick(20) === 0) bytes = bytes.slice(0, pick(bytes.length));
  if (pick(40) === 0) bytes = Uint8Array.from([...bytes, ...bytes.subarray(pick(bytes.length))]);
  return bytes;
}

/** One folder, written again for each model and without sync: durability is not what is tried here. */
async function writeModel(bench: HostBench, model: Uint8Array): Promise<LoadSpec> {
  const folder = join(bench.folder, 'mutated');
  await mkdir(folder, { recursive: true });
  const manifest = completeManifest(
    {
      formatVersion: 1,
      name: 'Mutated',
      version: '1.0.0',
      componentName: 'org.edgemanager.model.Mutated',
      target: 'any',
      minimumRuntimeVersion: '0.1.0',
      model: { file: 'model.onnx', irVersion: 8, opset: 17, domains: [{ domain: 'ai.onnx', version: 17 }] },
      inputs: [{ name: 'x', ...one }],
      outputs: [{ name: 'y', ...one }],
      selfTest: { outcome: 'skipped' },
    },
    [{ path: 'model.onnx', role: 'model', bytes: model }],
  );
  await writeFile(join(folder, 'model.onnx'), model);
  await writeFile(join(folder, MANIFEST_FILE), encodeManifest(manifest));
  return {
    key: 'Mutated@1.0.0',
    folder,
    trust: { policy: 'off', keys: [] },
    threads: 1,
    concurrency: 1,
    runSamples: false,
  };
}
