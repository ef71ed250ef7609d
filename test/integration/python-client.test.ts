import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../../examples/stage/root.js';
import { startStage } from '../../examples/stage/stage.js';
import { topics } from '../../src/contract/mod.js';
import { silentLogger } from '../../src/core/mod.js';
import { connectGreengrass } from '../../src/ipc/greengrass/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { ALLOW_ALL } from '../lib/ipc-harness.js';
import { pythonWithSdk } from '../lib/python-sdk.js';
import { NucleusBench } from '../lib/nucleus.js';
import { until } from '../lib/until.js';

/** Answers each line of its input by asking for the models. */
const LISTENING = `
import sys
from edge_manager import EdgeManager
manager = EdgeManager("com.example.Python")
for line in sys.stdin:
    print("models", len(manager.list_models(timeout=60.0)), flush=True)
manager.close()
`;

describe('the Python example with the official device SDK', function () {
  it('lists, predicts by file and captures', async function () {
    const python = pythonWithSdk() ?? this.skip();
    await using stage = await startStage({ profile: 'nucleus' });
    const model = await stage.addModel('silero-vad-5');
    const deployed = await stage.deploy({ [model.componentName]: { componentVersion: model.version } });
    assert.equal(deployed.status, 'SUCCEEDED', deployed.reason);
    const component = 'org.edgemanager.example.Python';
    const { environment } = stage.nucleus.registerExternal(component, {
      accessControl: {
        'aws.greengrass.ipc.pubsub': {
          ask: {
            operations: ['aws.greengrass#PublishToTopic'],
            resources: [
              'edgemanager/v1/control/hello',
              'edgemanager/v1/control/list',
              'edgemanager/v1/models/SileroVad/predict',
              'edgemanager/v1/capture/*',
            ],
          },
          replies: {
            operations: ['aws.greengrass#SubscribeToTopic'],
            resources: [`edgemanager/v1/reply/${component}/*`],
          },
        },
      },
    });
    const child = spawn(python, [join(ROOT, 'examples', 'python', 'main.py')], {
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.equal(code, 0, errors);
    assert.equal(errors, '', 'it ends without a traceback');
    const said = JSON.parse(output.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
    assert.deepEqual(said['models'], ['SileroVad 5.0.0']);
    assert.equal(said['version'], '5.0.0');
    assert.equal(said['stateBytes'], 1024);
    assert.ok(Number(said['probability']) < 0.5, 'silence is no speech');
    assert.notEqual(said['captureStatus'], 'NOT_FOUND');
  });

  it('comes back after each restart of nucleus lite, which forgets its SVCUID, within its requests’ time', async function () {
    const python = pythonWithSdk() ?? this.skip();
    await using bench = await NucleusBench.start('lite');
    const common = { clock: systemClock, random: systemRandom, logger: silentLogger };
    const agent = 'org.edgemanager.AgentRuntime';
    const { environment: ofAgent } = bench.nucleus.registerExternal(agent, ALLOW_ALL);
    await using port = await connectGreengrass({ ...common, environment: { ...ofAgent }, component: agent });
    await port.subscribe(topics.list, ({ payload }) => {
      const { id, replyTo } = JSON.parse(Buffer.from(payload).toString()) as { id: string; replyTo: string };
      const reply = { v: 1, id, ok: true, body: { models: [{ name: 'M' }] } };
      void port.publish(replyTo, Buffer.from(JSON.stringify(reply))).catch(() => undefined);
    });
    const { environment } = bench.nucleus.registerExternal('com.example.Python', ALLOW_ALL);
    const child = spawn(python, ['-u', '-c', LISTENING], {
      env: { PATH: process.env['PATH'] ?? '', PYTHONPATH: join(ROOT, 'examples', 'python'), ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    try {
      for (let round = 1; round <= 4; round++) {
        if (round > 1) await bench.nucleus.restartIpc();
        child.stdin.write('list\n');
        // Longer than the request's own time, at whose end it says why it has none.
        const isOver = (): boolean => said.split('\n').length > round || child.exitCode !== null;
        await until(isOver, 'it has an answer', 75_000);
        assert.equal(said, 'models 1\n'.repeat(round));
      }
      const exited = once(child, 'exit');
      child.stdin.end();
      assert.deepEqual(await exited, [0, null]);
      assert.equal(said, 'models 1\n'.repeat(4), 'it ends without a traceback');
    } finally {
      child.kill('SIGKILL');
    }
  });
});
