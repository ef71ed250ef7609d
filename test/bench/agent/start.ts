import type { LoadReport, LoadSpec, ModelHosts } from '../../../src/runtime/host/port/mod.js';
import { hostPids } from '../../lib/model-hosts.js';
import { alternate, atMost, each, middles, paired, summaries } from '../judge/mod.js';
import type { BenchRow } from '../row.js';
import { cpuMs } from './processes.js';
import { hostsOf, shippedHost, specOf } from './shipped-hosts.js';

const STARTS = 12;

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

export const start: BenchRow = {
  name: 'start',
  about: 'from spawn to READY with the compiled cache, beside the same without',
  run: async (bench) => {
    const rig = await bench.rig();
    const bare = specOf(await rig.install('SileroVad'));
    const neighbour = specOf(await rig.install('PaddleOcrCls'));
    const compiledCacheFolder = await bench.folder('cache');
    const own = hostsOf(bench, compiledCacheFolder, 'model');
    const { compiledDigest } = (await load(own, { ...bare, compiledCacheFolder })).report;
    if (compiledDigest === undefined) throw new Error('Cannot measure the cache as nothing was compiled');
    const cached: LoadSpec = { ...bare, compiledCacheFolder, compiledDigest };
    const starts = bench.share(STARTS, 2);
    const caches = await alternate(starts, {
      withCache: async () => [await load(own, cached)],
      without: async () => [await load(own, bare)],
    });
    // A host that is started without its launcher keeps all rights of its user.
    const { entry } = shippedHost();
    const free = hostsOf(bench, compiledCacheFolder, 'model', { entry, launcher: entry });
    const rights = await alternate(starts, {
      confined: async () => [await load(own, cached)],
      unconfined: async () => [await load(free, cached)],
    });
    await Promise.all([own.close(), free.close()]);
    const shared = hostsOf(bench, compiledCacheFolder, 'shared');
    await shared.load(neighbour);
    const warm = await alternate(starts, {
      withCache: async () => [await load(shared, cached)],
      without: async () => [await load(shared, bare)],
    });
    await shared.close();
    const first = middles(summaries(each(caches, ({ report }) => report.loadMs)));
    const ready = middles(summaries(each(caches, ({ readyMs }) => readyMs)));
    return [
      atMost(500, {
        figure: 'spawn to READY, one model, p50',
        value: ready.withCache,
        unit: 'ms',
        detail: { withoutCache: ready.without },
      }),
      // CPU, as a second start of Node is all that it costs, and other work on the machine hides 20 ms.
      paired(
        { atMost: 1.25 },
        {
          figure: 'CPU of a start, held by Landlock / with all rights',
          unit: 'x',
          rounds: each(rights, ({ cpuMs: used }) => used),
          floors: ['unconfined'],
          of: (round) => round.confined / round.unconfined,
        },
      ),
      // The first session of a process also pays for ONNX Runtime's own start, which no cache saves.
      paired(
        { atMost: 0.5 },
        {
          figure: 'session creation with the compiled cache / without',
          unit: 'x',
          rounds: each(warm, ({ report }) => report.loadMs),
          floors: ['without'],
          of: (round) => round.withCache / round.without,
          detail: { firstWithCache: first.withCache, firstWithout: first.without },
        },
      ),
    ];
  },
};
