import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { median } from '../../../examples/floors/mod.js';
import type { PackagedModel } from '../../../examples/stage/models.js';
import { silentLogger } from '../../../src/core/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { createModelHosts, type SpawnDetails } from '../../../src/runtime/host/mod.js';
import type { LoadReport, LoadSpec, ModelHosts } from '../../../src/runtime/host/port/mod.js';
import { atMost, type Bench, type BenchRow } from '../figure.js';
import { hostFolders, hostPids } from '../../lib/model-hosts.js';
import { cpuMs, descendants } from './processes.js';

const STARTS = 15;

/** The model host beside the running control process: the shipped, bundled one. */
function shippedHost(): SpawnDetails {
  const [control] = descendants('control.js');
  const entry = control?.command.split(' ').find((part) => part.endsWith('control.js'));
  if (entry === undefined) throw new Error('Cannot find the control process');
  const beside = (name: string): string => join(dirname(entry), name);
  return { entry: beside('model-host.js'), launcher: beside('host-launcher.cjs') };
}

/** A model in a process of its own, or in one where ONNX Runtime has loaded another one before. */
function hostsOf(
  bench: Bench,
  folder: string,
  isolation: 'model' | 'shared',
  spawn: SpawnDetails = shippedHost(),
): ModelHosts {
  const hosts = createModelHosts(
    {
      isolation,
      profile: 'efficient',
      threadBudget: 2,
      loadTimeoutMs: 20_000,
      confinement: 'if-possible',
      // Its packages lie where the rig built them.
      folders: { ...hostFolders(folder), packages: tmpdir(), compiled: folder },
    },
    { spawn, clock: systemClock, logger: silentLogger, sampled: () => undefined },
  );
  bench.onEnd(() => hosts.close());
  return hosts;
}

interface Start {
  readonly readyMs: number;
  /** Of its process until then, that of its launcher included. */
  readonly cpuMs: number;
  readonly report: LoadReport;
}

async function load(hosts: ModelHosts, spec: LoadSpec): Promise<Start> {
  const begunMs = performance.now();
  const model = await hosts.load(spec);
  const readyMs = performance.now() - begunMs;
  const [pid = 0] = await hostPids();
  const usedMs = cpuMs(pid);
  await model.unload();
  return { readyMs, cpuMs: usedMs, report: model.report };
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

async function alternating(first: () => Promise<Start>, second: () => Promise<Start>): Promise<Start[][]> {
  const starts: [Start[], Start[]] = [[], []];
  for (let index = 0; index < STARTS; index++) {
    starts[0].push(await first());
    starts[1].push(await second());
  }
  return starts;
}

const readyOf = (starts: readonly Start[] = []): number => median(starts.map(({ readyMs }) => readyMs));
const cpuOf = (starts: readonly Start[] = []): number => median(starts.map(({ cpuMs: used }) => used));
const sessionOf = (starts: readonly Start[] = []): number =>
  median(starts.map(({ report }) => report.loadMs));

export const start: BenchRow = {
  name: 'start',
  about: 'from spawn to READY with the compiled cache, beside the same without',
  run: async (bench) => {
    const rig = await bench.rig();
    const bare = specOf(await rig.install('SileroVad'));
    const neighbour = specOf(await rig.install('PaddleOcrCls'));
    const compiledCacheFolder = await mkdtemp(join(tmpdir(), 'edge-bench-cache-'));
    bench.onEnd(() => rm(compiledCacheFolder, { recursive: true, force: true }));
    const own = hostsOf(bench, compiledCacheFolder, 'model');
    const { compiledDigest } = (await load(own, { ...bare, compiledCacheFolder })).report;
    if (compiledDigest === undefined) throw new Error('Cannot measure the cache as nothing was compiled');
    const cached: LoadSpec = { ...bare, compiledCacheFolder, compiledDigest };
    const [withCache, without] = await alternating(
      () => load(own, cached),
      () => load(own, bare),
    );
    // A host that is started without its launcher keeps all rights of its user.
    const { entry } = shippedHost();
    const free = hostsOf(bench, compiledCacheFolder, 'model', { entry, launcher: entry });
    const [confined, unconfined] = await alternating(
      () => load(own, cached),
      () => load(free, cached),
    );
    await Promise.all([own.close(), free.close()]);
    const shared = hostsOf(bench, compiledCacheFolder, 'shared');
    await shared.load(neighbour);
    const [warmWithCache, warmWithout] = await alternating(
      () => load(shared, cached),
      () => load(shared, bare),
    );
    await shared.close();
    return [
      atMost(500, {
        figure: 'spawn to READY, one model, p50',
        value: readyOf(withCache),
        unit: 'ms',
        detail: {
          withoutCacheMs: readyOf(without),
          slowestMs: Math.max(...(withCache ?? []).map(({ readyMs }) => readyMs)),
        },
      }),
      // CPU, as a second start of Node is all that it costs, and other work on the machine hides 20 ms.
      atMost(1.25, {
        figure: 'CPU of a start, held by Landlock / with all rights',
        value: cpuOf(confined) / cpuOf(unconfined),
        unit: 'x',
        detail: {
          confinedCpuMs: cpuOf(confined),
          unconfinedCpuMs: cpuOf(unconfined),
          confinedMs: readyOf(confined),
          unconfinedMs: readyOf(unconfined),
        },
      }),
      // The first session of a process also pays for ONNX Runtime's own start, which no cache saves.
      atMost(0.5, {
        figure: 'session creation with the compiled cache / without',
        value: sessionOf(warmWithCache) / sessionOf(warmWithout),
        unit: 'x',
        detail: {
          withCacheMs: sessionOf(warmWithCache),
          withoutMs: sessionOf(warmWithout),
          firstWithCacheMs: sessionOf(withCache),
          firstWithoutMs: sessionOf(without),
        },
      }),
    ];
  },
};
