import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ZipFile } from 'yazl';
import { buffer } from 'node:stream/consumers';
import { BOTH, NucleusBench } from '../../lib/nucleus.js';
import { systemClock } from '../../../src/system/mod.js';
import { until } from '../../lib/until.js';
import { isWithin } from '../../lib/patience.js';
import { RawIpcClient } from '../../lib/raw-ipc-client.js';

const A = 'com.example.A';
const B = 'com.example.B';

async function zipOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), name);
  zip.end();
  return buffer(zip.outputStream);
}

describe('a startup step on lite', () => {
  const startup = (script: string) => ({ lifecycle: { startup: script } });

  it('fails where the script calls exit 0: it never reports ready', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', startup('exit 0'));
    const result = await bench.deploy({ [A]: '1.0.0' });
    assert.match(result.reason, /ended without "systemd-notify --ready"/);
  });

  it('succeeds where the last command fails, as what lite appends masks it', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', startup('false'));
    assert.equal((await bench.deploy({ [A]: '1.0.0' })).status, 'SUCCEEDED');
  });

  it('fails before systemd 254, though the script was fine, but not in the gating form', async () => {
    await using bench = await NucleusBench.start('lite', { systemdVersion: 252, clock: systemClock });
    bench.store.add(A, '1.0.0', startup('true'));
    bench.store.add(A, '2.0.0', startup("true || exit 1\ntrap 'exit 0' EXIT\n"));
    bench.store.add(A, '3.0.0', startup("false || exit 1\ntrap 'exit 0' EXIT\n"));
    assert.equal((await bench.deploy({ [A]: '1.0.0' })).status, 'FAILED');
    assert.equal((await bench.deploy({ [A]: '2.0.0' })).status, 'SUCCEEDED');
    assert.equal(bench.stateOf(A), 'RUNNING');
    assert.equal((await bench.deploy({ [A]: '3.0.0' })).status, 'FAILED');
  });

  it('is up at the notification where the script goes on', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', startup('systemd-notify --ready; exec sleep 300'));
    await bench.mustDeploy({ [A]: '1.0.0' });
    assert.notEqual(bench.pidOf(A), undefined);
  });

  it('runs the script up to a missing configuration value, and no further', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', startup('echo before\necho {configuration:/missing}\necho after'));
    assert.equal((await bench.deploy({ [A]: '1.0.0' })).status, 'FAILED');
    const log = await bench.log(A);
    assert.match(log, /before/);
    assert.doesNotMatch(log, /after/);
  });
});

describe('what only the Java nucleus does', () => {
  it('runs shutdown before it ends the processes, with the script that was there at the start', async () => {
    await using bench = await NucleusBench.start('nucleus');
    const run = "trap 'echo term; exit 0' TERM; echo ready; sleep 300 & wait";
    bench.store.add(A, '1.0.0', { lifecycle: { run, shutdown: 'echo shutdown' } });
    await bench.mustDeploy({ [A]: '1.0.0' });
    await bench.untilLog(A, 'ready');
    await bench.mustDeploy({});
    assert.match(await bench.log(A), /shutdown\nterm/);
  });

  it('runs recover after an error', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add(A, '1.0.0', { lifecycle: { startup: 'exit 1', recover: 'echo recovered' } });
    await bench.deploy({ [A]: '1.0.0' }, { failureHandlingPolicy: 'DO_NOTHING' });
    assert.match(await bench.log(A), /recovered/);
  });

  for (const [skipIf, isSkipped] of [
    ['onpath sh', true],
    ['onpath no-such-command', false],
    ['exists /bin/sh', true],
    ['exists /no/such/file', false],
    ['! exists /no/such/file', true],
  ] as const) {
    it(`${isSkipped ? 'skips' : 'runs'} a step with Skipif: ${skipIf}`, async () => {
      await using bench = await NucleusBench.start('nucleus');
      const install = { Script: 'echo installed', Skipif: skipIf };
      bench.store.add(A, '1.0.0', { lifecycle: { install, run: 'echo running; exec sleep 300' } });
      await bench.mustDeploy({ [A]: '1.0.0' });
      const log = await bench.untilLog(A, 'running');
      assert.equal(log.includes('installed'), !isSkipped);
    });
  }

  it('kills 5 s after SIGTERM what ignores it', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add(A, '1.0.0', { lifecycle: { run: "trap '' TERM; echo up; while :; do sleep 1; done" } });
    await bench.mustDeploy({ [A]: '1.0.0' });
    await bench.untilLog(A, 'up');
    const startedAtMs = systemClock.monotonicMs();
    await bench.mustDeploy({});
    // The bench's clock runs four times as fast.
    const tookMs = (systemClock.monotonicMs() - startedAtMs) * 4;
    assert.ok(tookMs >= 4_900 && isWithin(tookMs, 15_000), `${tookMs} ms`);
  });

  it('fills in the variables of a dependency, and prints numbers as doubles', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add(B, '1.2.0', { lifecycle: {}, configuration: { port: 300 } });
    const run = 'echo {com.example.B:configuration:/port} {com.example.B:artifacts:path}; exec sleep 300';
    bench.store.add(A, '1.0.0', {
      lifecycle: { run },
      dependencies: { [B]: { VersionRequirement: '^1.0.0' } },
    });
    await bench.mustDeploy({ [A]: '1.0.0' });
    await bench.untilLog(A, `300.0 ${bench.root}/packages/artifacts/${B}/1.2.0\n`);
  });

  it('unpacks a ZIP', async () => {
    await using bench = await NucleusBench.start('nucleus');
    bench.store.add(A, '1.0.0', {
      lifecycle: { run: 'cat {artifacts:decompressedPath}/files/sub/a.txt; exec sleep 300' },
      artifacts: { 'files.zip': await zipOf({ 'sub/a.txt': 'zipped\n' }) },
      artifactKeys: { 'files.zip': { Unarchive: 'ZIP' } },
    });
    await bench.mustDeploy({ [A]: '1.0.0' });
    await bench.untilLog(A, 'zipped');
  });

  it('restarts a component for a changed configuration only where its scripts show it', async () => {
    await using bench = await NucleusBench.start('nucleus');
    const lifecycle = { run: 'echo {configuration:/shown}; exec sleep 300' };
    bench.store.add(A, '1.0.0', { lifecycle, configuration: { shown: 'a', hidden: 'a' } });
    const update = (merge: Record<string, string>) => ({
      [A]: { componentVersion: '1.0.0', configurationUpdate: { merge } },
    });
    await bench.mustDeploy({ [A]: '1.0.0' });
    const pid = bench.pidOf(A);
    await bench.mustDeploy(update({ hidden: 'b' }));
    assert.equal(bench.pidOf(A), pid);
    await bench.mustDeploy(update({ shown: 'b' }));
    assert.notEqual(bench.pidOf(A), pid);
  });
});

describe('what lite does otherwise', () => {
  it('ignores shutdown, recover and Skipif', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', {
      lifecycle: {
        install: { Script: 'echo installed', Skipif: 'exists /bin/sh' },
        run: 'echo up; sleep 0.1; exit 1',
        shutdown: 'echo shutdown',
        recover: 'echo recover',
      },
    });
    await bench.deploy({ [A]: '1.0.0' });
    await bench.untilState(A, 'BROKEN');
    await bench.mustDeploy({});
    assert.equal(await bench.log(A), 'installed\nup\nup\nup\n');
  });

  it('reads YAML scalars of the configuration as strings', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', {
      lifecycle: { run: 'echo {configuration:/port}; exec sleep 300' },
      configuration: { port: 300, on: true },
    });
    await bench.mustDeploy({ [A]: '1.0.0' });
    assert.deepEqual(bench.configurationOf(A), { port: '300', on: 'true' });
    await bench.untilLog(A, '300\n');
  });

  it('refuses ^ in a version requirement', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(B, '1.0.0', { lifecycle: { run: 'true' } });
    bench.store.add(A, '1.0.0', {
      lifecycle: { run: 'true' },
      dependencies: { [B]: { VersionRequirement: '^1.0.0' } },
    });
    const result = await bench.deploy({ [A]: '1.0.0' });
    assert.equal(result.detailedStatus, 'FAILED_NO_STATE_CHANGE');
    assert.match(result.reason, /version requirement "\^1\.0\.0"/);
  });

  it('finds no lifecycle without a runtime', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', { lifecycle: { run: 'true' }, platform: { os: 'linux' } });
    assert.match((await bench.deploy({ [A]: '1.0.0' })).reason, /No lifecycle was found/);
  });

  it('does not unpack a ZIP', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', {
      lifecycle: { run: 'exec sleep 300' },
      artifacts: { 'files.zip': await zipOf({ 'a.txt': 'zipped' }) },
      artifactKeys: { 'files.zip': { Unarchive: 'ZIP' } },
    });
    await bench.mustDeploy({ [A]: '1.0.0' });
    assert.deepEqual(await readdir(join(bench.root, 'packages', 'artifacts-unarchived', A, '1.0.0')), []);
  });

  it('restarts every component whose configuration a deployment names', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', { lifecycle: { run: 'exec sleep 300' }, configuration: { a: 'a' } });
    await bench.mustDeploy({ [A]: '1.0.0' });
    const pid = bench.pidOf(A);
    const update = { componentVersion: '1.0.0', configurationUpdate: { merge: { a: 'b' } } };
    await bench.mustDeploy({ [A]: update });
    assert.notEqual(bench.pidOf(A), pid);
  });

  it('runs the startup step of an unchanged component again at each deployment', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(A, '1.0.0', { lifecycle: { startup: 'echo started' } });
    await bench.mustDeploy({ [A]: '1.0.0' });
    await bench.mustDeploy({ [A]: '1.0.0' });
    assert.equal((await bench.log(A)).split('started').length - 1, 2);
  });

  it('writes the artifacts of a local deployment over those in use, into the same file', async () => {
    await using bench = await NucleusBench.start('lite');
    const lifecycle = { run: 'exec sleep 300' };
    bench.store.add(A, '1.0.0', { lifecycle, artifacts: { 'data.txt': 'first' } });
    await bench.mustDeploy({ [A]: '1.0.0' });
    const path = join(bench.root, 'packages', 'artifacts', A, '1.0.0', 'data.txt');
    const { ino } = await stat(path);
    bench.store.add(A, '1.0.0', { lifecycle, artifacts: { 'data.txt': 'other' } });
    await bench.mustDeploy({ [A]: '1.0.0' });
    assert.equal(await readFile(path, 'utf8'), 'other');
    assert.equal((await stat(path)).ino, ino);
  });

  it('asks the cloud for a version that the local recipes lack, and fails seconds later', async () => {
    await using bench = await NucleusBench.start('lite', { clock: systemClock });
    bench.store.add(A, '1.0.0', { lifecycle: { run: 'exec sleep 300' } });
    const begunMs = systemClock.monotonicMs();
    const { detailedStatus } = await bench.deploy({ [A]: '2.0.0' });
    assert.equal(detailedStatus, 'FAILED_NO_STATE_CHANGE');
    assert.ok(systemClock.monotonicMs() - begunMs >= 4_000);
  });

  it('stops a HARD dependent with a dependency that is done', async () => {
    await using bench = await NucleusBench.start('lite');
    bench.store.add(B, '1.0.0', { lifecycle: { run: 'sleep 0.5' } });
    bench.store.add(A, '1.0.0', {
      lifecycle: { run: 'exec sleep 300' },
      dependencies: { [B]: { VersionRequirement: '1.0.0', DependencyType: 'HARD' } },
    });
    await bench.mustDeploy({ [A]: '1.0.0' });
    await bench.untilState(A, 'FINISHED');
  });
});

for (const profile of BOTH) {
  it(`a component that another depends on stays where it is no root any more, on ${profile}`, async () => {
    await using bench = await NucleusBench.start(profile);
    bench.store.add(B, '1.0.0', { lifecycle: { run: 'exec sleep 300' } });
    bench.store.add(A, '1.0.0', {
      lifecycle: { run: 'exec sleep 300' },
      dependencies: { [B]: { VersionRequirement: '>=1.0.0 <2.0.0', DependencyType: 'SOFT' } },
    });
    await bench.mustDeploy({ [A]: '1.0.0', [B]: '1.0.0' });
    const pid = bench.pidOf(B);
    await bench.mustDeploy({ [A]: '1.0.0' });
    assert.deepEqual([bench.stateOf(B), bench.pidOf(B)], ['RUNNING', pid]);
  });

  describe(`artifacts on ${profile}`, () => {
    it('can be read but not changed, and executed where the recipe says so', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', {
        lifecycle: { run: '{artifacts:path}/tool; exec sleep 300' },
        artifacts: { tool: '#!/bin/sh\necho tool ran\n', 'data.txt': 'data' },
        artifactKeys: { tool: { Permission: { Execute: 'OWNER' } } },
      });
      await bench.mustDeploy({ [A]: '1.0.0' });
      await bench.untilLog(A, 'tool ran');
      const folder = join(bench.root, 'packages', 'artifacts', A, '1.0.0');
      const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
      assert.equal(await modeOf(folder), 0o555);
      assert.equal(await modeOf(join(folder, 'tool')), 0o555);
      assert.equal(await modeOf(join(folder, 'data.txt')), 0o444);
    });

    it('are checked against the digest when they are fetched', async () => {
      await using bench = await NucleusBench.start(profile);
      bench.store.add(A, '1.0.0', {
        lifecycle: { run: 'exec sleep 300' },
        artifacts: { 'data.txt': 'data' },
        artifactKeys: { 'data.txt': { Digest: 'AAAA', Algorithm: 'SHA-256' } },
      });
      const result = await bench.deploy({ [A]: '1.0.0' });
      assert.match(result.reason, /digest must be AAAA/);
    });
  });

  describe(`environment on ${profile}`, () => {
    it('is what a core gives, Setenv, and on the Java nucleus what it was started with itself', async () => {
      process.env['LEAKED_INTO_COMPONENTS'] = 'yes';
      try {
        await using bench = await NucleusBench.start(profile, {
          ownEnvironment: { OWN_OF_THE_NUCLEUS: 'yes' },
        });
        const run = { Script: 'env > env.txt; exec sleep 300', Setenv: { STEP: '{iot:thingName}' } };
        bench.store.add(A, '1.0.0', {
          lifecycle: { Setenv: { ALL: 'all', STEP: 'below' }, run },
          dependencies: {
            'aws.greengrass.TokenExchangeService': { VersionRequirement: '>=2.0.0 <3.0.0' },
          },
        });
        await bench.mustDeploy({ [A]: '1.0.0' });
        const path = join(bench.root, 'work', A, 'env.txt');
        const read = async (): Promise<string> => readFile(path, 'utf8').catch(() => '');
        await until(async () => (await read()).includes('PATH='), 'the variables are written');
        const variables = Object.fromEntries(
          (await read())
            .trim()
            .split('\n')
            .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
        );
        // The shell adds these itself.
        for (const name of ['PWD', 'OLDPWD', 'SHLVL', '_']) delete variables[name];
        assert.deepEqual(Object.keys(variables).sort(), [
          'ALL',
          'AWS_CONTAINER_AUTHORIZATION_TOKEN',
          'AWS_CONTAINER_CREDENTIALS_FULL_URI',
          'AWS_DEFAULT_REGION',
          'AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT',
          'AWS_IOT_THING_NAME',
          'AWS_REGION',
          'GGC_VERSION',
          'GG_ROOT_CA_PATH',
          'HOME',
          ...(profile === 'nucleus' ? ['OWN_OF_THE_NUCLEUS'] : []),
          'PATH',
          'STEP',
          'SVCUID',
        ]);
        assert.equal(variables['STEP'], 'TestThing');
        assert.equal(variables['AWS_CONTAINER_AUTHORIZATION_TOKEN'], variables['SVCUID']);
        assert.equal(variables['AWS_REGION'], 'eu-west-1');
        assert.equal(variables['GGC_VERSION'], profile === 'nucleus' ? '2.18.0' : '2.6.0');
        assert.equal(
          variables['AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT'],
          bench.nucleus.socketPath,
        );
      } finally {
        delete process.env['LEAKED_INTO_COMPONENTS'];
      }
    });
  });
}

describe('a nucleus that stops', () => {
  it('accepts and closes at once while it goes, on nucleus', async () => {
    await using bench = await NucleusBench.start('nucleus', { clock: systemClock });
    const { socketPath } = bench.nucleus;
    const closing = bench.nucleus.close();
    const raw = await RawIpcClient.open(socketPath);
    await raw.ended;
    assert.deepEqual(raw.frames.received, []);
    await closing;
    await assert.rejects(RawIpcClient.open(socketPath));
  });

  for (const profile of BOTH) {
    it(`takes IPC away ${profile === 'nucleus' ? 'before' : 'after'} its components on ${profile}`, async () => {
      await using bench = await NucleusBench.start(profile);
      // What a component finds of IPC when it is told to stop.
      const look = `test -S "${bench.nucleus.socketPath}" && echo there > found || echo gone > found; exit 0`;
      const run = `trap '${look}' TERM\necho ready > ready\nwhile true; do sleep 0.05; done`;
      bench.store.add(A, '1.0.0', { lifecycle: { run } });
      await bench.mustDeploy({ [A]: '1.0.0' });
      const work = join(bench.root, 'work', A);
      await until(async () => (await readdir(work)).includes('ready'), 'the component runs');
      await bench.nucleus.close();
      const found = await readFile(join(work, 'found'), 'utf8');
      assert.equal(found.trim(), profile === 'nucleus' ? 'gone' : 'there');
    });
  }
});
