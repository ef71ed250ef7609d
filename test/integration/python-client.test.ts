import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../../examples/stage/root.js';
import { startStage } from '../../examples/stage/stage.js';

describe('the Python example with the official device SDK', function () {
  it('lists, predicts by file and captures', async function () {
    const probe = spawnSync(
      'python3',
      ['-c', 'import awsiot.greengrasscoreipc.clientv2, sys; print(sys.executable)'],
      {
        encoding: 'utf8',
      },
    );
    if (probe.status !== 0) {
      console.log(
        '      skipped: python3 with the package awsiotsdk is not installed (pip install awsiotsdk)',
      );
      this.skip();
    }
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
    // The interpreter itself: a version manager's shim wants variables that a component does not get.
    const child = spawn(probe.stdout.trim(), [join(ROOT, 'examples', 'python', 'main.py')], {
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
});
