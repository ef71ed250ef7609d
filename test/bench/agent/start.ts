import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { median } from '../../../examples/floors/mod.js';
import { silentLogger } from '../../../src/core/mod.js';
import { systemClock } from '../../../src/fs/mod.js';
import { createModelHosts } from '../../../src/runtime/host/mod.js';
import type { LoadReport, LoadSpec } from '../../../src/runtime/port.js';
import { atMost, type BenchRow } from '../figure.js';
import { descendants } from './processes.js';

const STARTS = 10;

/** The model host beside the running control process: the shipped, bundled one. */
function shippedHost(): string {
  const [control] = descendants('control.js');
  const entry = control?.command.split(' ').find((part) => part.endsWith('control.js'));
  if (entry === undefined) throw new Error('Cannot find the control process');
  return join(dirname(entry), 'model-host.js');
}

export const start: BenchRow = {
  name: 'start',
  about: 'from spawn to READY with the compiled cache, beside the same without',
  run: async (bench) => {
    const rig = await bench.rig();
    const { modelFile, name, version } = await rig.install('SileroVad');
    const cacheFolder = await mkdtemp(join(tmpdir(), 'edge-bench-cache-'));
    bench.onEnd(() => rm(cacheFolder, { recursive: true, force: true }));
    const hosts = createModelHosts(
      { isolation: 'model', profile: 'efficient', threadBudget: 2, loadTimeoutMs: 20_000 },
      { spawn: { entry: shippedHost() }, clock: systemClock, logger: silentLogger },
    );
    bench.onEnd(() => hosts.close());
    const bare: LoadSpec = {
      key: `${name}@${version}`,
      folder: dirname(modelFile),
      trust: { policy: 'off', keys: [] },
      threads: 1,
      concurrency: 1,
      runSamples: false,
    };
    const load = async (spec: LoadSpec): Promise<{ readyMs: number; report: LoadReport }> => {
      const begunMs = performance.now();
      const model = await hosts.load(spec);
      const readyMs = performance.now() - begunMs;
      await model.unload();
      return { readyMs, report: model.report };
    };
    const { compiledDigest } = (await load({ ...bare, compiledCacheFolder: cacheFolder })).report;
    if (compiledDigest === undefined) throw new Error('Cannot measure the cache as nothing was compiled');
    const cached: LoadSpec = { ...bare, compiledCacheFolder: cacheFolder, compiledDigest };
    const [withCache, without] = [[], []] as [
      Awaited<ReturnType<typeof load>>[],
      Awaited<ReturnType<typeof load>>[],
    ];
    for (let index = 0; index < STARTS; index++) {
      withCache.push(await load(cached));
      without.push(await load(bare));
    }
    await hosts.close();
    const readyMs = median(withCache.map((one) => one.readyMs));
    const readyWithoutMs = median(without.map((one) => one.readyMs));
    const sessionMs = median(withCache.map(({ report }) => report.loadMs));
    const sessionWithoutMs = median(without.map(({ report }) => report.loadMs));
    return [
      atMost(500, {
        figure: 'spawn to READY, one model, p50',
        value: readyMs,
        unit: 'ms',
        detail: { readyWithoutMs, slowestMs: Math.max(...withCache.map((one) => one.readyMs)) },
      }),
      atMost(0.5, {
        figure: 'session creation with the compiled cache / without',
        value: sessionMs / sessionWithoutMs,
        unit: 'x',
        detail: { sessionMs, sessionWithoutMs },
      }),
    ];
  },
};
