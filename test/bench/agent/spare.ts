import { join } from 'node:path';
import type { LoadSpec } from '../../../src/runtime/host/port/mod.js';
import { hostPids } from '../../lib/model-hosts.js';
import { until } from '../../lib/until.js';
import { alternate, each, paired } from '../judge/mod.js';
import type { Bench, BenchRow } from '../row.js';
import { hostsOf, shippedHost, specOf } from './shipped-hosts.js';

const ROUNDS = 7;

/** From the end of a killed host to the same model loaded again; hosts of its own, so that the one to kill is known. */
async function again(
  bench: Bench,
  folder: string,
  spec: LoadSpec,
  spareHost: boolean,
): Promise<{ readonly ms: number; readonly spareMb: number }> {
  const hosts = hostsOf(bench, folder, 'model', shippedHost(), { spareHost });
  const before = await hostPids();
  const model = await hosts.load(spec);
  const [own = 0] = (await hostPids()).filter((pid) => !before.includes(pid));
  if (spareHost) await until(() => hosts.spareBytes !== undefined, 'the spare host is there');
  const spareMb = (hosts.spareBytes ?? 0) / 1e6;
  process.kill(own, 'SIGKILL');
  await model.gone;
  const begunMs = performance.now();
  await hosts.load(spec);
  const ms = performance.now() - begunMs;
  await hosts.close();
  return { ms, spareMb };
}

export const spare: BenchRow = {
  name: 'spare',
  about: "a model's host is killed and the model loaded again: with a spare host and without, in turns",
  run: async (bench) => {
    const rig = await bench.rig();
    const bare = specOf(await rig.install('PaddleOcrCls'));
    const folder = await bench.folder('spare');
    const compiledCacheFolder = join(folder, 'compiled');
    const hosts = hostsOf(bench, folder, 'model');
    const { compiledDigest } = (await hosts.load({ ...bare, compiledCacheFolder })).report;
    await hosts.close();
    if (compiledDigest === undefined) throw new Error('Cannot use a spare host as nothing was compiled');
    const spec = { ...bare, compiledCacheFolder, compiledDigest };
    const rounds = await alternate(bench.share(ROUNDS, 3), {
      without: async () => [await again(bench, folder, spec, false)],
      withSpare: async () => [await again(bench, folder, spec, true)],
    });
    const spareMb = Math.max(...rounds.flatMap(({ withSpare }) => withSpare.map((taken) => taken.spareMb)));
    return [
      paired(
        { atMost: 0.4 },
        {
          figure: 'a killed host serves again, with a spare host / without',
          unit: 'x',
          rounds: each(rounds, ({ ms }) => ms),
          floors: ['without'],
          of: (round) => round.withSpare / round.without,
          detail: { spareMb },
        },
      ),
    ];
  },
};
