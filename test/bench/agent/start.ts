import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { median } from '../../../examples/floors/mod.js';
import type { PackagedModel } from '../../../examples/stage/models.js';
import { silentLogger } from '../../../src/core/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { createModelHosts } from '../../../src/runtime/host/mod.js';
import type { LoadReport, LoadSpec, ModelHosts } from '../../../src/runtime/host/port/mod.js';
import { atMost, type Bench, type BenchRow } from '../figure.js';
import { descendants } from './processes.js';

const STARTS = 10;

/** The model host beside the running control process: the shipped, bundled one. */
function shippedHost(): string {
  const [control] = descendants('control.js');
  const entry = control?.command.split(' ').find((part) => part.endsWith('control.js'));
  if (entry === undefined) throw new Error('Cannot find the control process');
  return join(dirname(entry), 'model-host.js');
}

/** A model in a process of its own, or in one where ONNX Runtime has loaded another one before. */
function hostsOf(bench: Bench, isolation: 'model' | 'shared'): ModelHosts {
  const hosts = createModelHosts(
    { isolation, profile: 'efficient', threadBudget: 2, loadTimeoutMs: 20_000 },
    { spawn: { entry: shippedHost() }, clock: systemClock, logger: silentLogger, sampled: () => undefined },
  );
  bench.onEnd(() => hosts.close());
  return hosts;
}

interface Start {
  readonly readyMs: number;
  readonly report: LoadReport;
}

async function load(hosts: ModelHosts, spec: LoadSpec): Promise<Start> {
  const begunMs = performance.now();
  const model = await hosts.load(spec);
  const readyMs = performance.now() - begunMs;
  await model.unload();
  return { readyMs, report: model.report };
}

function specOf({ modelFile, name, version }: PackagedModel): LoadSpec {
  return {
    key: `${name}@${version}`,
    folder: dirname(modelFile),
    trust: { policy: 'off', keys: [] },
    threads: 1,
    concurrency: 1,
    runSamples: false,
  };
}

async function alternating(
  hosts: ModelHosts,
  cached: LoadSpec,
  bare: LoadSpec,
): Promise<{ readonly withCache: readonly Start[]; readonly without: readonly Start[] }> {
  const [withCache, without]: [Start[], Start[]] = [[], []];
  for (let index = 0; index < STARTS; index++) {
    withCache.push(await load(hosts, cached));
    without.push(await load(hosts, bare));
  }
  return { withCache, without };
}

const readyOf = (starts: readonly Start[]): number => median(starts.map(({ readyMs }) => readyMs));
const sessionOf = (starts: readonly Start[]): number => median(starts.map(({ report }) => report.loadMs));

export const start: BenchRow = {
  name: 'start',
  about: 'from spawn to READY with the compiled cache, beside the same without',
  run: async (bench) => {
    const rig = await bench.rig();
    const bare = specOf(await rig.install('SileroVad'));
    const neighbour = specOf(await rig.install('PaddleOcrCls'));
    const compiledCacheFolder = await mkdtemp(join(tmpdir(), 'edge-bench-cache-'));
    bench.onEnd(() => rm(compiledCacheFolder, { recursive: true, force: true }));
    const own = hostsOf(bench, 'model');
    const { compiledDigest } = (await load(own, { ...bare, compiledCacheFolder })).report;
    if (compiledDigest === undefined) throw new Error('Cannot measure the cache as nothing was compiled');
    const cached: LoadSpec = { ...bare, compiledCacheFolder, compiledDigest };
    const fresh = await alternating(own, cached, bare);
    await own.close();
    const shared = hostsOf(bench, 'shared');
    await shared.load(neighbour);
    const warm = await alternating(shared, cached, bare);
    await shared.close();
    return [
      atMost(500, {
        figure: 'spawn to READY, one model, p50',
        value: readyOf(fresh.withCache),
        unit: 'ms',
        detail: {
          withoutCacheMs: readyOf(fresh.without),
          slowestMs: Math.max(...fresh.withCache.map(({ readyMs }) => readyMs)),
        },
      }),
      // The first session of a process also pays for ONNX Runtime's own start, which no cache saves.
      atMost(0.5, {
        figure: 'session creation with the compiled cache / without',
        value: sessionOf(warm.withCache) / sessionOf(warm.without),
        unit: 'x',
        detail: {
          withCacheMs: sessionOf(warm.withCache),
          withoutMs: sessionOf(warm.without),
          firstWithCacheMs: sessionOf(fresh.withCache),
          firstWithoutMs: sessionOf(fresh.without),
        },
      }),
    ];
  },
};
