import { strict as assert } from 'node:assert';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { verdictOf } from '../../../deploy/rollout/health.js';
import { floats } from '../../lib/tensors.js';
import { heartbeatTopic, type HeartbeatReport } from '../../../src/contract/mod.js';
import { silentLogger } from '../../../src/core/mod.js';
import { createRequester } from '../../../src/ipc/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { AGENT, AgentBench } from '../../lib/agent-process.js';
import { longRun } from '../../lib/fault-table.js';
import { writeTestPackage, type TestPackage } from '../../lib/model-hosts.js';
import { node, onnxModel } from '../../lib/onnx-builder.js';
import { printSizes, type Sizes } from '../../lib/sizes.js';
import { until } from '../../lib/until.js';

const UPDATES = longRun() ? 200 : 50;
const MEASURED = [10, 50, 100, 200];
/** What the heap and its fragments may need more after a hundred hosts than after ten. */
const SLACK_KB = 30_000;

const versionOf = (update: number): string => `1.0.${1000 + update}`;

/** x as it is, or its logarithm, which the device's requests make NaN; no two versions have the same bytes. */
function packageOf(version: string, isBad: boolean): TestPackage {
  const value = { datatype: 'FP32', shape: [1] } as const;
  const between = `between-${version}`;
  return {
    name: 'Model',
    version,
    model: onnxModel({
      inputs: [{ name: 'x', ...value }],
      outputs: [{ name: 'y', ...value }],
      nodes: [node(isBad ? 'Log' : 'Identity', ['x'], [between]), node('Identity', [between], ['y'])],
    }),
    inputs: [{ name: 'x', ...value, shape: [1] }],
    outputs: [{ name: 'y', ...value, shape: [1] }],
  };
}

/** The agent as processes, an app that asks its model, and the heartbeats that its thing's shadow gets. */
async function openDevice(bench: AgentBench) {
  let newest = '';
  let heartbeatBytes = 0;
  bench.nucleus.iotCore.subscribe(heartbeatTopic('thing-1'), (_topic, payload) => {
    heartbeatBytes = payload.length;
    const update = JSON.parse(Buffer.from(payload).toString()) as { state: { reported: HeartbeatReport } };
    newest = update.state.reported.summary;
  });
  await bench.start();
  const app = await bench.app();
  const component = 'org.edgemanager.model.Model';
  const requester = await createRequester({
    transport: await bench.connect(component),
    component,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  const register = async (path: string) =>
    await requester.request('register', { component, path }, { timeoutMs: 60_000 });
  const ask = async (): Promise<void> => {
    await app.predict('Model', [floats('x', [-1])], { timeoutMs: 20_000 });
  };
  const judged = async (version: string, wanted: 'serving' | 'unhealthy'): Promise<void> => {
    const verdict = (): string => verdictOf(newest, [`Model@${version}`]);
    await until(() => verdict() === wanted, `the heartbeat says that ${version} is ${wanted}`);
  };
  const settled = async (version: string): Promise<void> => {
    const states = ['SERVING', 'ROLLED_BACK'];
    const over = async (): Promise<boolean> =>
      states.includes((await app.describeModel({ name: 'Model', version })).state);
    await until(over, `the probation of ${version} ends`);
  };
  const sizes = async (update: number): Promise<Sizes> => {
    const { workFolder } = bench;
    const status = await readFile(`/proc/${await bench.controlPid()}/status`, 'utf8');
    return {
      update,
      registryBytes: (await stat(join(workFolder, 'registry.json'))).size,
      summaryChars: newest.length,
      heartbeatBytes,
      versions: (await app.listModels()).length,
      packageFiles: (await readdir(join(workFolder, 'packages', 'Model'))).length,
      compiledFiles: (await readdir(join(workFolder, 'compiled'))).length,
      controlKb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]),
    };
  };
  return { register, ask, judged, settled, sizes, newest: () => newest, close: () => requester.close() };
}

describe('A1, A3: the real agent', () => {
  it(`after ${UPDATES} updates holds what it held after ten, and no gate passes on what it took back`, async () => {
    await using bench = await AgentBench.create({
      configuration: {
        probation: { durationSeconds: 0, requests: 1, minimumRequests: 1 },
        accessControl: {
          'aws.greengrass.ipc.pubsub': {
            'agent:pubsub:1': { operations: ['*'], resources: ['edgemanager/v1/*'] },
          },
          'aws.greengrass.ipc.mqttproxy': { 'agent:mqtt:1': { operations: ['*'], resources: ['*'] } },
        },
      },
    });
    const device = await openDevice(bench);
    const measured: Sizes[] = [];
    for (let update = 1; update <= UPDATES; update++) {
      // The last ones of each measured dozen: what an update leaves is the same each time.
      const isMeasured = MEASURED.includes(update);
      const isBad = MEASURED.includes(update + 3);
      const version = versionOf(update);
      const folder = await writeTestPackage(bench.root, packageOf(version, isBad));
      assert.equal((await device.register(folder)).verdict, 'ADMITTED');
      await device.ask();
      await device.settled(version);
      await rm(folder, { recursive: true });
      if (isMeasured || isBad) await device.judged(version, isBad ? 'unhealthy' : 'serving');
      for (const bad of MEASURED.map((last) => last - 3).filter((last) => last <= update))
        assert.notEqual(verdictOf(device.newest(), [`Model@${versionOf(bad)}`]), 'serving', device.newest());
      if (isMeasured) measured.push(await device.sizes(update));
    }
    await device.close();
    printSizes(`updates of one model by ${AGENT}`, measured);
    const [tenth, ...later] = measured;
    for (const sizes of later) {
      assert.ok((sizes['controlKb'] ?? 0) < (tenth?.['controlKb'] ?? 0) + SLACK_KB, JSON.stringify(sizes));
      // Of those that were taken back, the last 16 stay with their reasons: two or three more than at the tenth.
      for (const what of ['registryBytes', 'heartbeatBytes', 'summaryChars', 'versions', 'packageFiles'])
        assert.ok((sizes[what] ?? 0) <= 1.6 * (tenth?.[what] ?? 0), `${what}: ${JSON.stringify(sizes)}`);
      assert.ok((sizes['compiledFiles'] ?? 0) <= (tenth?.['compiledFiles'] ?? 0), JSON.stringify(sizes));
    }
  });
});
