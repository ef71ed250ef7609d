import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import semver from 'semver';
import { buildCodeComponents, ROOT } from '../../examples/stage/mod.js';
import { longRun } from '../lib/fault-table.js';
import { bytesBelow, npmInstall, packAll, succeed, type Tarball } from '../lib/packed.js';
import { until } from '../lib/until.js';

const MB = 1e6;
const CLIENT_MAX_MB = 3;
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const RESOLUTIONS = [
  ['--module', 'nodenext', '--moduleResolution', 'nodenext'],
  ['--module', 'esnext', '--moduleResolution', 'bundler'],
];

/** Every part of the client that an app names. */
const CLIENT_SCRIPT = `
import { connect, connectAdmin, EdgeError, elements, float32, tensor } from 'edge-manager/client';
import type { ConnectedClient, ModelDescription, Prediction, Tensor } from 'edge-manager/client';

export async function probability(component: string): Promise<number | undefined> {
  await using connected: ConnectedClient = await connect({ component });
  const { client } = connected;
  const input: Tensor = tensor('input', 'FP32', [1, 2], new Float32Array(2));
  const { outputs, version }: Prediction = await client.predict('Model', [input], { timeoutMs: 1000 });
  const description: ModelDescription = await client.describeModel({ name: 'Model', version });
  const requests: number = (await client.stats()).models.reduce((sum, model) => sum + model.requests, 0);
  // @ts-expect-error: a datatype is one of the Open Inference Protocol
  tensor('input', 'FLOAT', [1], new Float32Array(1));
  const [first] = outputs;
  if (first === undefined || description.labels.length === 0 || requests === 0) return undefined;
  return elements(first).length === 1 ? float32(first)[0] : undefined;
}

export async function reasonWithout(socket: string): Promise<string> {
  try {
    const admin = await connectAdmin(socket);
    const { segments } = await admin.listQuarantined({}, { timeoutMs: 1000 });
    return segments[0]?.segment ?? '';
  } catch (thrown) {
    return thrown instanceof EdgeError ? thrown.reason : '';
  }
}
`;

const LIBRARY_SCRIPT = `
import { packageModel, type PackageResult } from 'edge-manager-cli';
export const made: Promise<PackageResult> = packageModel({
  file: 'model.yaml', outFolder: 'out', skipSelfTest: true, timeoutMs: 1000,
});
`;

describe('the packages for npm, installed outside of the checkout', function () {
  this.timeout(300_000);
  let folder: string;
  let client: Tarball;
  let commandLine: Tarball;
  /** Both packages, installed without any script. */
  let plain: string;
  /** The example app, copied out, with the command line beside it: installed with npm's scripts. */
  let voice: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'packages-'));
    ({ client, commandLine } = await packAll(join(folder, 'packages')));
    plain = await emptyProject('plain');
    await npmInstall(plain, '--ignore-scripts', client.path, commandLine.path);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function emptyProject(name: string): Promise<string> {
    const path = join(folder, name);
    await mkdir(path);
    await writeFile(join(path, 'package.json'), '{ "private": true, "type": "module" }\n');
    return path;
  }

  /** What git has of it. */
  async function copyExample(name: string, to: string): Promise<void> {
    const ignored = /[\\/](node_modules|greengrass-build|__pycache__)([\\/]|$)/;
    const from = join(ROOT, 'examples', name);
    await cp(from, to, { recursive: true, filter: (path) => !ignored.test(path.slice(from.length)) });
  }

  /** The packages of now, in place of those that the registry has. */
  async function useTarballs(project: string): Promise<void> {
    const path = join(project, 'package.json');
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const wanted = [manifest.dependencies[client.name], manifest.devDependencies[commandLine.name]];
    for (const range of wanted) assert.ok(semver.satisfies(version, range ?? ''), `${range} of ${version}`);
    manifest.dependencies[client.name] = `file:${client.path}`;
    manifest.devDependencies[commandLine.name] = `file:${commandLine.path}`;
    await writeFile(path, JSON.stringify(manifest));
  }

  const edgeManager = (project: string): string => join(project, 'node_modules', '.bin', 'edge-manager');

  it('the client is small, alone, without scripts, tests and sources', async () => {
    const project = await emptyProject('client-only');
    await npmInstall(project, '--ignore-scripts=false', client.path);
    const installed = await readdir(join(project, 'node_modules'));
    assert.deepEqual(
      installed.filter((name) => !name.startsWith('.')),
      ['edge-manager'],
    );
    const sizes = {
      client: [client.sizeBytes, await bytesBelow(join(project, 'node_modules'))],
      'command line (this platform)': [commandLine.sizeBytes, await bytesBelow(join(plain, 'node_modules'))],
    };
    for (const [name, [packed = 0, whole = 0]] of Object.entries(sizes)) {
      const megabytes = [packed, whole].map((bytes) => (bytes / MB).toFixed(1));
      console.log(`      ${name}: packed ${megabytes[0]} MB, installed ${megabytes[1]} MB`);
    }
    assert.ok((sizes.client[1] ?? 0) < CLIENT_MAX_MB * MB);
    for (const name of ['edge-manager', 'edge-manager-cli']) {
      const inside = join(plain, 'node_modules', name);
      const files = await readdir(inside, { recursive: true });
      const strange = files.filter((file) =>
        /^(test|examples|components|src|dist\/(test|examples|components))\/|\.map$|[^d]\.ts$/.test(file),
      );
      assert.deepEqual(
        strange.filter((file) => !file.startsWith('node_modules/')),
        [],
      );
      for (const wanted of ['README.md', 'LICENSE']) assert.ok(files.includes(wanted), `${name} ${wanted}`);
      const { scripts } = JSON.parse(await readFile(join(inside, 'package.json'), 'utf8')) as {
        scripts?: unknown;
      };
      assert.equal(scripts, undefined);
    }
  });

  it('scripts of both pass the compiler, with either resolution of modules', async () => {
    await writeFile(join(plain, 'client.ts'), CLIENT_SCRIPT);
    await writeFile(join(plain, 'library.ts'), LIBRARY_SCRIPT);
    const tsc = (...args: string[]): Promise<string> =>
      succeed(plain, process.execPath, TSC, '--noEmit', '--strict', '--target', 'es2022', ...args);
    for (const resolution of RESOLUTIONS) {
      // No types of Node, and the client's own declarations are checked too.
      await tsc('--skipLibCheck', 'false', '--types', '', ...resolution, 'client.ts');
      await tsc(
        '--skipLibCheck',
        '--lib',
        'es2023,esnext.disposable',
        '--types',
        '',
        ...resolution,
        'library.ts',
      );
    }
  });

  it('an app needs nothing else, and is told where Greengrass did not start it', async () => {
    const project = join(folder, 'client-only');
    const script = `
      import { connect, connectAdmin } from 'edge-manager/client';
      const attempts = [() => connectAdmin('/nowhere/admin.sock'), () => connect({ component: 'com.example.App' })];
      for (const attempt of attempts)
        await attempt().catch(({ reason, nextStep }) => console.log(reason, nextStep));`;
    const said = await succeed(project, process.execPath, '--input-type=module', '-e', script);
    assert.match(
      said,
      /^AGENT_UNREACHABLE .*\nGREENGRASS_UNREACHABLE Run this program as a Greengrass component/,
    );
  });

  async function works(project: string): Promise<void> {
    const program = edgeManager(project);
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    assert.equal((await succeed(project, program, '--version')).trim(), version);
    assert.match(await succeed(project, program, '--help'), /app build|app .*apps/);
    const model = join(ROOT, 'examples/models/silero-vad-5/model.yaml');
    const out = join(project, 'model', 'greengrass-build');
    const said = await succeed(project, program, 'package', model, '--allow-outside', '-o', out);
    assert.match(said, /SileroVad 5\.0\.0, digest .*\nSelf-test passed/);
  }

  it("the command line works, installed without npm's scripts", () => works(plain));

  it('a new app by app init is checked and built', async () => {
    const app = join(plain, 'new');
    const wish = ['--component', 'com.example.New', '--model', 'SileroVad'];
    await succeed(plain, edgeManager(plain), 'app', 'init', app, ...wish);
    const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
    const target = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', ...types];
    await succeed(app, process.execPath, TSC, ...target, 'main.ts');
    const built = await succeed(app, edgeManager(plain), 'app', 'build', '--json');
    const { name, files, warnings } = JSON.parse(built) as Record<'name' | 'files' | 'warnings', unknown>;
    assert.deepEqual([name, warnings], ['com.example.New', []]);
    assert.deepEqual(files, ['app.zip']);
    await assert.rejects(
      succeed(plain, edgeManager(plain), 'app', 'init', app, ...wish),
      /as main\.ts is there already/,
    );
  });

  it('the example app in Python is built outside of the checkout', async () => {
    const python = join(folder, 'python');
    await copyExample('python', python);
    assert.match(
      await succeed(python, edgeManager(plain), 'app', 'build'),
      /Built org\.edgemanager\.example\.Python/,
    );
  });

  describe("with npm's scripts, beside an app", () => {
    before(async () => {
      voice = join(folder, 'voice');
      await copyExample('voice-activity', voice);
      await useTarballs(voice);
      if (!longRun()) {
        // Writing 12,000 files anew costs most of an install: npm adds what the app needs, and runs all scripts.
        await rename(join(plain, 'node_modules'), join(voice, 'node_modules'));
        await npmInstall(voice, '--ignore-scripts');
        await succeed(voice, 'npm', 'rebuild', '--ignore-scripts=false');
      } else await npmInstall(voice, '--ignore-scripts=false');
    });

    it('the command line works', () => works(voice));

    it('the example app in TypeScript is checked and built with npm, and finds speech against edge-manager dev', async () => {
      await succeed(voice, 'npm', 'run', 'check');
      const built = await succeed(voice, 'npm', 'run', 'build');
      assert.match(built, /Built org\.edgemanager\.example\.VoiceActivity: 1 artifact/);
      const [agent] = await buildCodeComponents('plain', () => undefined);
      assert.ok(agent !== undefined);
      const builds = [agent.path, join(voice, 'model'), voice];
      const dev = spawn(edgeManager(voice), ['dev', '--json', '--folder', join(folder, 's3'), ...builds], {
        cwd: voice,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      dev.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      dev.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const ended = once(dev, 'exit');
      try {
        let results = '';
        await until(async () => {
          assert.doesNotMatch(output, /"status":"FAILED|"ERRORED"|"BROKEN"/);
          const root = /"rootPath":"([^"]+)"/.exec(output)?.[1];
          if (root === undefined) return false;
          const file = join(root, 'work/org.edgemanager.example.VoiceActivity/results.jsonl');
          results = await readFile(file, 'utf8').catch(() => '');
          return results.split('\n').length > 20;
        }, 'the app has results').catch((thrown: unknown) => assert.fail(`${String(thrown)}\n${output}`));
        const first = JSON.parse(results.split('\n')[0] ?? '') as { version: string; error?: string };
        assert.deepEqual([first.version, first.error], ['5.0.0', undefined]);
      } finally {
        dev.kill('SIGTERM');
        await ended;
      }
    });
  });
});
