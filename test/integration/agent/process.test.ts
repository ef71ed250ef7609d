import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { connectAdmin, EdgeManagerClient, float32 } from '../../../src/client/mod.js';
import { ManualClock, silentLogger } from '../../../src/core/mod.js';
import { systemRandom } from '../../../src/system/mod.js';
import { AgentBench } from '../../lib/agent-process.js';
import { hostPids, writeTestPackage } from '../../lib/model-hosts.js';
import { floats } from '../../lib/tensors.js';
import { identityPackage } from '../../lib/test-models.js';
import { until } from '../../lib/until.js';

const SOCKET = 'AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT';

/** The agent runs, and has admitted the model Identity. */
async function startWithIdentity(bench: AgentBench): Promise<void> {
  await bench.start();
  const folder = await writeTestPackage(bench.root, identityPackage());
  assert.equal((await bench.register(folder, 'org.edgemanager.model.Identity')).code, 0);
}

describe('the agent process', () => {
  it('serves again after kill -9 of the control process, without anybody registering', async () => {
    await using bench = await AgentBench.create();
    await startWithIdentity(bench);
    const app = await bench.app();
    const former = await bench.controlPid();
    process.kill(former, 'SIGKILL');
    const { outputs } = await app.predict('Identity', [floats('x', [3])], { timeoutMs: 60_000 });
    assert.deepEqual(
      outputs.map((output) => [...float32(output)]),
      [[3]],
    );
    assert.notEqual(await bench.controlPid(), former);
    assert.ok((await app.stats({ timeoutMs: 10_000 })).controlStarts > 1);
    assert.equal(bench.agent?.exitCode, null);
  });

  it('tells apps that it is back: what they asked before kill -9 is answered while their own clocks stand still', async () => {
    await using bench = await AgentBench.create();
    await startWithIdentity(bench);
    const component = 'com.example.App';
    const client = await EdgeManagerClient.open({
      transport: await bench.connect(component),
      component,
      // It never sends again because time has passed.
      clock: new ManualClock(),
      random: systemRandom,
      logger: silentLogger,
      uid: process.getuid?.(),
    });
    const ask = () => client.predict('Identity', [floats('x', [3])], { timeoutMs: 60_000 });
    await ask();
    const clients = join(bench.workFolder, 'clients.json');
    await until(
      async () => (await readFile(clients, 'utf8').catch(() => '')).includes(component),
      'it is known',
    );
    const kills = {
      control: async () => void process.kill(await bench.controlPid(), 'SIGKILL'),
      launcher: async () => {
        const begun = bench.log.length;
        await bench.stop('SIGKILL');
        bench.spawn('main');
        await until(
          () => bench.log.slice(begun).includes('"Agent stopping"'),
          'the former one hears nothing more',
        );
      },
    };
    for (const kill of [kills.control, kills.launcher]) {
      const agents = (): number => bench.log.split('"Agent connected"').length;
      const before = agents();
      await kill();
      const asking = Array.from({ length: 3 }, ask);
      assert.equal((await Promise.all(asking)).length, 3);
      await until(() => agents() > before, 'the new agent said so');
    }
    await client.close();
  });

  it('ends a control process that hangs, and serves again', async () => {
    await using bench = await AgentBench.create();
    await startWithIdentity(bench);
    const app = await bench.app();
    const former = await bench.controlPid();
    process.kill(former, 'SIGSTOP');
    const { outputs } = await app.predict('Identity', [floats('x', [3])], { timeoutMs: 60_000 });
    assert.equal(outputs.length, 1);
    assert.notEqual(await bench.controlPid(), former);
    assert.match(bench.log, /"Control process hangs: ending it"/);
    assert.equal(await bench.stop(), 0);
  });

  it('leaves no control process behind a launcher that was killed while that one started', async () => {
    await using bench = await AgentBench.create();
    bench.spawn('main');
    await until(async () => (await bench.controlPid()) > 0, 'the control process is there');
    const control = await bench.controlPid();
    await bench.stop('SIGKILL');
    await until(() => !existsSync(`/proc/${control}`), 'the control process has ended', 15_000);
  });

  it('serves by its admin socket what it served before, with no Greengrass at all', async () => {
    await using bench = await AgentBench.create();
    await startWithIdentity(bench);
    assert.equal(await bench.stop(), 0);
    const { [SOCKET]: _socket, SVCUID: _id, ...rest } = bench.environment;
    const control = spawn(process.execPath, [bench.entry('control')], {
      cwd: bench.workFolder,
      env: rest,
      stdio: 'ignore',
    });
    const socket = join(bench.workFolder, 'admin.sock');
    await until(
      async () => {
        try {
          await using admin = await connectAdmin(socket);
          const { outputs } = await admin.client.predict('Identity', [floats('x', [5])], { timeoutMs: 5000 });
          return outputs.length === 1;
        } catch {
          return false;
        }
      },
      'the admin socket answers',
      20_000,
    );
    const exited = once(control, 'exit');
    control.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  });

  for (const [what, environment] of [
    ['no socket is named', { [SOCKET]: undefined }],
    ['the socket is missing', { [SOCKET]: '/nowhere/ipc.socket' }],
    ['the SVCUID is wrong', { SVCUID: 'not-a-real-one' }],
  ] as const) {
    it(`ends with 1 and one clear line where ${what}`, async () => {
      await using bench = await AgentBench.create();
      const child = bench.spawn('main', [], environment);
      const [code] = (await once(child, 'exit')) as [number | null];
      assert.equal(code, 1, bench.log);
      const errors = bench.log.split('\n').filter((line) => line.includes('"level":"error"'));
      assert.equal(errors.length, 1, bench.log);
      assert.match(errors[0] ?? '', /Cannot (start the agent|connect to Greengrass)/);
    });
  }

  it('ends with 1 and one clear line where another agent has the work folder', async () => {
    await using bench = await AgentBench.create();
    await bench.start();
    const first = bench.agent;
    const second = bench.spawn('main');
    const [code] = (await once(second, 'exit')) as [number | null];
    bench.agent = first;
    assert.equal(code, 1);
    const errors = bench.log.split('\n').filter((line) => line.includes('"level":"error"'));
    assert.equal(errors.length, 1, bench.log);
    assert.match(errors[0] ?? '', /another agent answers/);
  });

  it('ships commands for people: tables, JSON, exit codes', async () => {
    const operations = ['list', 'describe', 'stats', 'predict', 'load', 'unload'];
    await using bench = await AgentBench.create({ configuration: { admin: { operations } } });
    await bench.start();
    const folder = await writeTestPackage(bench.root, identityPackage());
    const run = async (...args: string[]): Promise<{ code: number | null; out: string; error: string }> => {
      const child = spawn(join(bench.workFolder, 'bin', 'edge-manager'), args, {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let out = '';
      let error = '';
      child.stdout.on('data', (chunk) => (out += String(chunk)));
      child.stderr.on('data', (chunk) => (error += String(chunk)));
      const [code] = (await once(child, 'exit')) as [number | null];
      return { code, out, error };
    };
    const loaded = await run('local', 'load', 'my-model', '--path', folder);
    assert.deepEqual([loaded.code, loaded.error], [0, '']);
    assert.match((await run('local', 'list')).out, /my-model +1\.0\.0 +SERVING +stable/);
    const inputs = join(bench.root, 'inputs.json');
    await writeFile(inputs, JSON.stringify([{ name: 'x', datatype: 'FP32', shape: [1], data: [2.5] }]));
    const predicted = await run('local', 'predict', 'my-model', '--inputs', inputs, '--json');
    const { outputs } = JSON.parse(predicted.out) as { outputs: { data: number[] }[] };
    assert.deepEqual(outputs[0]?.data, [2.5]);
    assert.match((await run('local', 'stats')).out, /my-model +1\.0\.0 +SERVING +1 +0/);
    assert.match((await run('local', 'describe', 'my-model')).out, /input +x: FP32 \[1\]/);
    const missing = await run('local', 'describe', 'other');
    assert.equal(missing.code, 1);
    assert.match(missing.error, /^NOT_FOUND: /);
    assert.equal((await run('local', 'unload', 'my-model')).code, 0);
    assert.match((await run('local', 'list')).out, /UNLOADED/);
    assert.match(
      await readFile(join(bench.workFolder, 'bin', 'register'), 'utf8'),
      /^#!\/bin\/sh\nexport EDGE_MANAGER_NATIVE_FOLDER='\/[^\n']*'\nexec '\//,
    );
  });

  it("refuses a folder without a trusted signature where the policy is 'required'", async () => {
    await using bench = await AgentBench.create({ configuration: { signature: { policy: 'required' } } });
    await bench.start();
    const path = await writeTestPackage(bench.root, identityPackage());
    const app = await bench.app();
    await assert.rejects(app.load({ name: 'alias', path }), {
      code: 'FAILED_PRECONDITION',
      message: /it is not signed: policy is required/,
    });
    const registered = await bench.register(path, 'org.edgemanager.model.Identity');
    assert.deepEqual([registered.code, /REFUSED: .*is not signed/.test(registered.output)], [1, true]);
    assert.deepEqual(
      (await app.listModels()).map(({ name, state }) => [name, state]),
      [['Identity', 'FAILED']],
    );
  });

  it('serves on from a spare host after kill -9 of a model host, and says in stats that it has one', async () => {
    await using bench = await AgentBench.create({ configuration: { spareHost: true } });
    await startWithIdentity(bench);
    const app = await bench.app();
    const spareBytes = async (): Promise<number> => (await app.stats()).spareHostBytes ?? 0;
    await until(async () => (await spareBytes()) > 0, 'stats tell of a spare host');
    const control = await bench.controlPid();
    const [own = 0, spare = 0] = await hostPids(control);
    process.kill(own, 'SIGKILL');
    const { outputs } = await app.predict('Identity', [floats('x', [3])], { timeoutMs: 60_000 });
    assert.equal(outputs.length, 1);
    const pids = await hostPids(control);
    assert.ok(pids.includes(spare) && !pids.includes(own), `${own} and ${spare} became ${pids.join()}`);
  });

  it('applies host settings while it runs, without a failed request', async () => {
    await using bench = await AgentBench.create();
    await startWithIdentity(bench);
    const app = await bench.app();
    const agent = await bench.connect('org.edgemanager.AgentRuntime');
    await agent.updateConfiguration([], { isolation: 'shared' });
    const loads = (): number => bench.log.split('"Model loaded"').length - 1;
    while (loads() < 2) await app.predict('Identity', [floats('x', [1])]);
    for (let turn = 0; turn < 20; turn++) await app.predict('Identity', [floats('x', [1])]);
    const { models, hostRestarts } = await app.stats();
    assert.deepEqual([models[0]?.errors, hostRestarts], [0, 0]);
  });
});
