import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { silentLogger } from '../../../src/core/mod.js';
import { connectGreengrass } from '../../../src/ipc/greengrass/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { ALLOW_ALL } from '../../lib/ipc-harness.js';
import { writeTestPackage } from '../../lib/model-hosts.js';
import { NucleusBench } from '../../lib/nucleus.js';
import { RawIpcClient } from '../../lib/raw-ipc-client.js';
import { TEST_CREDENTIALS } from '../../lib/s3.js';
import { identityPackage } from '../../lib/test-models.js';
import { until } from '../../lib/until.js';

const APP = 'com.example.App';
const CLIENT_SDK = new URL('../../../src/client/mod.js', import.meta.url).href;
/** Lists models, and once more for each line of its input. */
const CLIENT = `
  import { connect } from ${JSON.stringify(CLIENT_SDK)};
  const { client } = await connect({ component: ${JSON.stringify(APP)} });
  const answer = async () => {
    await client.listModels({ timeoutMs: 60000 });
    console.log('answered');
  };
  await answer();
  process.stdin.on('data', answer);`;
const common = { clock: systemClock, random: systemRandom, logger: silentLogger };

describe('a component whose SVCUID a restarted nucleus lite has forgotten', () => {
  it('asks for a new one by its name, and leaves it where the token exchange is asked with it', async () => {
    const expiration = new Date(Date.now() + 3_600_000);
    await using bench = await NucleusBench.start('lite', {
      credentials: async () => ({ ...TEST_CREDENTIALS, expiration }),
    });
    const environment = { ...bench.nucleus.registerExternal(APP, ALLOW_ALL).environment };
    const former = environment['SVCUID'];
    await using port = await connectGreengrass({ ...common, environment, component: APP });
    const told: string[] = [];
    port.onConnection((state) => told.push(state));
    for (let round = 1; round <= 3; round++) {
      await bench.nucleus.restartIpc();
      await until(() => told.filter((state) => state === 'regained').length === round, 'it is back');
      assert.notEqual(environment['SVCUID'], former);
      assert.equal(environment['AWS_CONTAINER_AUTHORIZATION_TOKEN'], environment['SVCUID']);
      await port.publish('a', Buffer.from('x'));
      const answer = await fetch(environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '', {
        headers: { authorization: environment['AWS_CONTAINER_AUTHORIZATION_TOKEN'] ?? '' },
      });
      assert.equal(answer.status, 200);
    }
  });

  it('keeps its SVCUID where the table of connections was only full, and comes in when there is room', async () => {
    await using bench = await NucleusBench.start('lite');
    const environment = { ...bench.nucleus.registerExternal(APP, ALLOW_ALL).environment };
    const svcuid = environment['SVCUID'];
    const others = await Promise.all(
      Array.from({ length: 50 }, () => RawIpcClient.connect(bench.nucleus.socketPath, svcuid ?? '')),
    );
    const connect = async (): Promise<void> =>
      await (await connectGreengrass({ ...common, environment, component: APP })).close();
    await assert.rejects(connect(), { reason: 'GREENGRASS_UNREACHABLE' });
    assert.equal(environment['SVCUID'], svcuid);
    for (const { socket } of others) socket.destroy();
    await until(
      async () =>
        await connect().then(
          () => true,
          () => false,
        ),
      'there is room',
    );
    assert.equal(environment['SVCUID'], svcuid);
  });

  it('is admitted as a model package, and served as an app, with the SVCUID of before', async () => {
    await using bench = await AgentBench.create({ profile: 'lite' });
    await bench.start();
    const folder = await writeTestPackage(bench.root, identityPackage());
    const component = 'org.edgemanager.model.Identity';
    const { environment: ofModel } = bench.nucleus.registerExternal(component, ALLOW_ALL);
    const { environment: ofApp } = bench.nucleus.registerExternal(APP, ALLOW_ALL);
    await bench.nucleus.restartIpc();
    // What Greengrass gave to their scripts is of no use by now.
    const register = spawn(join(bench.workFolder, 'bin', 'register'), [folder], { env: { ...ofModel } });
    assert.deepEqual(await once(register, 'exit'), [0, null]);
    const app = spawn(process.execPath, ['--input-type=module', '-e', CLIENT], {
      env: { PATH: process.env['PATH'], ...ofApp },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let said = '';
    app.stdout.on('data', (chunk) => (said += String(chunk)));
    try {
      await until(() => said === 'answered\n' || app.exitCode !== null, 'the app has its first answer');
      await bench.nucleus.restartIpc();
      app.stdin.write('again\n');
      await until(
        () => said === 'answered\nanswered\n' || app.exitCode !== null,
        'and one after another restart',
      );
      assert.equal(app.exitCode, null);
    } finally {
      app.kill('SIGKILL');
    }
  });
});
