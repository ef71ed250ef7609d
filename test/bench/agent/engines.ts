import { paced } from '../../../examples/floors/mod.js';
import type { HostedModel } from '../../../src/runtime/host/port/mod.js';
import { pythonAbsence, pythonProgram } from '../../lib/python-host.js';
import { alternate, paired, skipped } from '../judge/mod.js';
import type { BenchRow } from '../row.js';
import { speechInputs } from './inputs.js';
import { hostsOf, shippedHost, specOf } from './shipped-hosts.js';

const ROUNDS = 30;
const SAMPLES = 20;
const PAUSE_MS = 3;
const FIGURE = "run by a host in the device's own Python, Silero window, p50 / by a host in Node";

export const engines: BenchRow = {
  name: 'engines',
  about: `a run of a Silero VAD window every ${PAUSE_MS} ms by a host in the device's own Python, in turn with one in Node`,
  run: async (bench) => {
    const absence = pythonAbsence('numpy', 'onnxruntime');
    if (absence !== undefined) return [skipped(FIGURE, absence)];
    const rig = await bench.rig();
    const spec = specOf(await rig.install('SileroVad'));
    const folder = await bench.folder('engines');
    const models = { SileroVad: { providers: [] } };
    const inNode = hostsOf(bench, folder, 'model');
    const inPython = hostsOf(bench, folder, 'model', shippedHost(), {
      engines: { interpreter: pythonProgram(), models },
    });
    const [node, python] = await Promise.all([inNode.load(spec), inPython.load(spec)]);
    const count = bench.share(SAMPLES, 2);
    const rounds = await alternate(bench.share(ROUNDS, 2), {
      node: () => runsOf(node, count),
      python: () => runsOf(python, count),
    });
    await Promise.all([inNode.close(), inPython.close()]);
    return [
      paired(
        { atMost: 1.3 },
        {
          figure: FIGURE,
          unit: 'x',
          rounds,
          floors: ['node'],
          of: (round) => round.python / round.node,
        },
      ),
    ];
  },
};

/** So many runs with a pause before each, in milliseconds. */
async function runsOf(model: HostedModel, count: number): Promise<readonly number[]> {
  const inputs = speechInputs();
  return await paced({ count, pauseMs: PAUSE_MS }, async () => {
    const capture = { mode: 'never', captureId: 'bench', clockSynchronised: true } as const;
    await model.run({ inputs, capture }, 10_000);
  });
}
