import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { float32, type EdgeManagerClient } from '../../../src/client/mod.js';
import { toEdgeError } from '../../../src/core/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { reportFaultRow } from '../../lib/fault-table.js';
import { writeTestPackage, type TestPackage } from '../../lib/model-hosts.js';
import { bombPackage, identityPackage, logPackage, loopPackage } from '../../lib/test-models.js';
import { floats, int64s } from '../../lib/tensors.js';
import { patientMs } from '../../lib/patience.js';

const COMPONENT = 'org.edgemanager.model.Identity';
const good = identityPackage();

interface BadVersion {
  readonly what: string;
  readonly package: Partial<TestPackage>;
  readonly spoil?: (folder: string) => Promise<void>;
}

const sample = (inputs: ReturnType<typeof floats>[], output: number) => [
  { name: 'sample', inputs, outputs: [floats('y', [output])] },
];

const BAD: readonly BadVersion[] = [
  {
    what: 'a flipped byte',
    package: {},
    spoil: async (folder) => {
      const file = join(folder, 'model.onnx');
      const bytes = await readFile(file);
      bytes[10] = (bytes[10] ?? 0) ^ 1;
      await writeFile(file, bytes);
    },
  },
  { what: 'a missing file', package: {}, spoil: (folder) => rm(join(folder, 'model.onnx')) },
  { what: 'a file too many', package: {}, spoil: (folder) => writeFile(join(folder, 'extra.bin'), 'x') },
  {
    what: 'an unknown manifest key',
    package: {},
    spoil: async (folder) => {
      const file = join(folder, 'manifest.json');
      const manifest = JSON.parse(await readFile(file, 'utf8')) as object;
      await writeFile(file, JSON.stringify({ ...manifest, surprise: true }));
    },
  },
  { what: 'a sample that differs', package: { samples: sample([floats('x', [7])], 8) } },
  {
    what: 'NaN where a number was expected',
    package: { ...logPackage('Identity'), samples: sample([floats('x', [-1])], 0) },
  },
  { what: 'samples of another shape', package: { samples: sample([floats('x', [1, 2])], 1) } },
  {
    what: 'other inputs than its samples',
    package: { ...bombPackage('Identity'), samples: sample([floats('x', [7])], 7) },
  },
  {
    what: 'a hang',
    package: {
      ...loopPackage('Identity'),
      samples: sample([floats('x', [7]), int64s('trips', [2_000_000_000_000n], [])], 7),
    },
  },
  {
    what: 'too much memory',
    package: { ...bombPackage('Identity'), samples: sample([int64s('size', [400_000_000n])], 0) },
  },
  { what: 'half a model', package: { model: good.model.subarray(0, good.model.length >> 1) } },
  { what: 'an older version that was never here', package: { version: '0.9.0' } },
];

describe('faults: a bad new version', () => {
  it(`D4: ${BAD.length} kinds of them are refused, and the old version answers every request`, async () => {
    await using bench = await AgentBench.create({
      configuration: { loadTimeoutMs: patientMs(4000), maxHostMb: 600 },
    });
    await bench.start();
    const first = await bench.register(await writeTestPackage(bench.root, good), COMPONENT);
    assert.equal(first.code, 0, first.output);
    const app = await bench.app();
    const load = new Load(app);
    const running = load.run();
    for (const [index, bad] of BAD.entries()) {
      const folder = await writeTestPackage(bench.root, { ...good, version: `2.0.${index}`, ...bad.package });
      await bad.spoil?.(folder);
      const before = load.answered;
      const begunMs = systemClock.monotonicMs();
      const { code, output } = await bench.register(folder, COMPONENT);
      assert.equal(code, 1, `${bad.what}: ${output}`);
      assert.match(output, /REFUSED: \w/, bad.what);
      console.log(`D4 ${bad.what}: ${output} (${Math.round(systemClock.monotonicMs() - begunMs)} ms)`);
      assert.ok(load.answered > before, `nothing was answered during ${bad.what}`);
    }
    load.over = true;
    await running;
    assert.deepEqual(load.wrong, []);
    const states = (await app.listModels()).map(({ version, state }) => `${version} ${state}`);
    assert.ok(states.includes('1.0.0 SERVING'), states.join(', '));
    reportFaultRow({
      row: 'D4',
      cycles: BAD.length,
      lost: 0,
      duplicated: 0,
      corrupt: load.wrong.length,
      note: `answered=${load.answered} wrong=${load.wrong.length}`,
    });
  });
});

/** One request after another, each with a known answer. */
class Load {
  readonly #app: EdgeManagerClient;
  readonly wrong: string[] = [];
  answered = 0;
  over = false;

  constructor(app: EdgeManagerClient) {
    this.#app = app;
  }

  async run(): Promise<void> {
    for (let value = 0; !this.over; value = (value + 1) % 1000) {
      try {
        const { outputs, version } = await this.#app.predict('Identity', [floats('x', [value])], {
          timeoutMs: 60_000,
        });
        const [output] = outputs;
        const got = output === undefined ? undefined : float32(output)[0];
        if (got !== value || version !== '1.0.0') this.wrong.push(`${version}: ${got} for ${value}`);
        this.answered++;
      } catch (thrown) {
        this.wrong.push(toEdgeError(thrown).message);
      }
      await systemClock.sleep(10);
    }
  }
}
