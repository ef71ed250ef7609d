import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startLocalCloud, type LocalCloud } from '../../src/local/cloud/mod.js';
import { cli, runCli, spawnCli } from '../lib/cli.js';
import { keyPair, temporaryFolder, writeSmallPackage } from '../lib/model-package.js';
import { identityModel } from '../lib/onnx-builder.js';

const MODEL_YAML = 'name: Same\nversion: 1.0.0\nmodel: same.onnx\nsamples: { make: { count: 1 } }\n';

/** Each command once as a real process; what they do in detail is tried in this process by the other tests. */
const COMMANDS: readonly (readonly [command: string, args: string, code: number, said: RegExp])[] = [
  ['compile', 'same.onnx --cases 1', 0, /Wrote same\.compiled\.onnx and same\.compiled\.report\.json/],
  ['package', 'model.yaml', 0, /Wrote greengrass-build\//],
  ['sign', 'small --key key.pem', 0, /^Signed /],
  ['verify', 'small --trust public.pem', 0, /Signed by key/],
  ['inspect', 'same.onnx', 0, /Identity/],
  ['publish', 'nowhere -b models', 1, /nowhere/],
  ['models', 'list', 0, /component version/],
  ['local', 'list', 1, /admin\.sock/],
  ['fleet', 'list', 0, /No fleets yet/],
  ['device', 'list nobody', 1, /the thing group nobody does not exist/],
  ['deploy', 'history nobody', 1, /nobody/],
  ['report', 'nobody', 1, /nobody/],
];

describe('edge-manager as a process', () => {
  let folder = '';
  let cloud: LocalCloud;

  before(async () => {
    folder = await temporaryFolder('command-line-');
    cloud = await startLocalCloud({ folder: join(folder, 'cloud') });
    const { privatePem, publicPem } = keyPair();
    await writeFile(join(folder, 'key.pem'), privatePem);
    await writeFile(join(folder, 'public.pem'), publicPem);
    await writeFile(join(folder, 'same.onnx'), identityModel('FP32', [1]));
    await writeFile(join(folder, 'model.yaml'), MODEL_YAML);
    await writeSmallPackage(join(folder, 'small'));
  });
  after(async () => {
    await cloud.close();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [command, args, code, said] of COMMANDS)
    it(`${command} ${args}`, async () => {
      const ended = await spawnCli([command, ...args.split(' ')], cloud.environment, folder);
      assert.equal(ended.code, code, ended.error);
      assert.match(code === 0 ? ended.out : ended.error, said);
    });

  it('dev, until it is interrupted', async () => {
    const dev = spawn(process.execPath, [cli, 'dev', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(dev, 'exit');
    const [line] = (await once(createInterface({ input: dev.stdout }), 'line')) as [string];
    const { rootPath, data } = JSON.parse(line) as { rootPath: string; data: string };
    assert.match(rootPath, /gg-/);
    dev.kill('SIGINT');
    assert.deepEqual(await ended, [0, null]);
    await rm(data, { recursive: true });
  });

  it('has all commands in its help, and ends with 1 for one that it lacks', async () => {
    const { code, out } = await runCli(['--help']);
    assert.equal(code, 0);
    for (const [command] of COMMANDS) assert.match(out, new RegExp(`^  ${command} `, 'm'));
    const unknown = await runCli(['comply']);
    assert.deepEqual([unknown.code, unknown.out], [1, '']);
    assert.match(unknown.error, /unknown command 'comply'\n\(Did you mean compile\?\)/);
  });
});

describe('a help of edge-manager', () => {
  let folder = '';
  let meter = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'help-'));
    meter = join(folder, 'meter.cjs');
    await writeFile(
      meter,
      "process.on('exit', () => { const { user, system } = process.cpuUsage(); require('node:fs').writeSync(3, `${user + system}`); });",
    );
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** CPU of a process of Node, user and system together, in microseconds. */
  function cpuOf(...args: readonly string[]): number {
    const { output, status } = spawnSync(process.execPath, ['--require', meter, ...args], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    assert.equal(status, 0);
    return Number(output[3]);
  }

  /** The least that each costs in rounds of those that were too dear so far: what else the machine does is in none. */
  it('costs at most 150 ms of CPU more than a bare start of Node, for each command', () => {
    const helps = ['', ...COMMANDS.map(([command]) => `${command} `), 'dev '].map(
      (words) => `${words}--help`,
    );
    const rounds = [1, 2, 3];
    const bareUs = Math.min(...rounds.map(() => cpuOf('-e', '0')));
    const least = new Map<string, number>();
    const dear = (): string[] => helps.filter((help) => (least.get(help) ?? Infinity) > bareUs + 150_000);
    for (const _round of rounds) {
      for (const help of dear())
        least.set(help, Math.min(least.get(help) ?? Infinity, cpuOf(cli, ...help.split(' '))));
    }
    assert.deepEqual(
      dear().map((help) => [help, least.get(help)]),
      [],
      `bare ${bareUs} us`,
    );
  });
});
