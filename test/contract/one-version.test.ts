import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import semver from 'semver';
import { buildProject } from '../../deploy/build/mod.js';
import { modelRecipe } from '../../src/model/mod.js';
import { VERSION } from '../../src/system/mod.js';
import { AgentTwins } from '../lib/agent-twins.js';
import { cli, spawnCli } from '../lib/cli.js';
import { ownRecipe } from '../lib/own-recipes.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const text = (file: string): string => readFileSync(join(root, file), 'utf8');
const OURS = ['AgentRuntime', 'CaptureUploader', 'EdgeManager'].map(
  (name) => `recipes/org.edgemanager.${name}.yaml`,
);

/** Versions that are not the one of ours: what they are instead. */
const OTHERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'gdk-config.json': { '1.6.2': 'gdk' },
  'components/agent-runtime/gdk-config.json': { '1.6.2': 'gdk' },
  'components/capture-uploader/gdk-config.json': { '1.6.2': 'gdk' },
  'components/model-package/gdk-config.json': { '1.6.2': 'gdk', '6.0.0': 'a model' },
  'components/model-package/model.yaml': { '6.0.0': 'a model' },
  'recipes/org.edgemanager.model.SileroVad.yaml': {
    '6.0.0': 'a model',
    '0.1.0': 'the first agent that serves packages',
    '2.0.0': 'the first one that need not',
  },
  'recipes/org.edgemanager.CaptureUploader.yaml': {
    '0.1.0': 'the first agent that it works with',
    '2.0.0': 'the first one that it need not, and the token exchange',
    '3.0.0': 'the token exchange',
  },
  'recipes/org.edgemanager.EdgeManager.yaml': {
    '0.1.0': 'the first ones that it deploys',
    '2.0.0': 'the first ones that it does not',
  },
  'src/model/recipe-template.ts': {
    '0.1.0': 'the first agent that serves packages',
    '2.0.0': 'the first one that need not',
  },
  'deploy/quantise/quantise.ts': { '1.30.0': 'the quantiser', '1.23.2': 'ONNX for Python' },
  'deploy/package/package-model.ts': { '0.1.0': 'the first agent that serves packages' },
  'deploy/build/app-template.ts': {
    '1.0.0': 'a new app',
    '1.6.2': 'gdk',
    '2.0.0': 'the first agent that it need not work with',
  },
  'deploy/commands/dev.ts': { '1.0.0': 'what gdk gives to the first build of any component' },
  'src/contract/asyncapi.ts': { '3.0.0': 'AsyncAPI', '1.0.0': 'the wire' },
  'src/ipc/greengrass/greeting.ts': { '0.1.0': "Greengrass's IPC" },
  'src/local/nucleus/ipc/connection.ts': { '0.1.0': "Greengrass's IPC" },
  'src/local/nucleus/ipc-kernel.ts': { '0.0.0': 'components without one' },
  'src/local/nucleus/resolve.ts': {
    '2.18.0': 'a nucleus',
    '2.6.0': 'a nucleus',
    '2.0.3': 'the token exchange',
  },
  'src/local/cloud/aws/core-operations.ts': { '2.15.0': 'a nucleus' },
  'src/runtime/host/memory-hosts.ts': { '1.0.0': 'a model' },
};

const LITERAL = /(?<![\w.])\d+\.\d+\.\d+(?![\w.]*\d)/g;
/** Comments, examples in error texts, and addresses. */
const PROSE = /^\s*(\*|\/\/|\/\*)|such as "?>?=?\d|Write it as \d|`SileroVad|Write the range out/;

function literals(file: string): string[] {
  const lines = text(file)
    .split('\n')
    .filter((line) => !PROSE.test(line));
  return lines.flatMap((line) => line.match(LITERAL) ?? []);
}

describe('the one version', () => {
  it('is that of package.json, in the lockfile too', () => {
    const { version } = JSON.parse(text('package.json')) as { version: string };
    const lock = JSON.parse(text('package-lock.json')) as {
      version: string;
      packages: Record<string, { version: string }>;
    };
    assert.equal(semver.valid(version), version);
    assert.deepEqual([VERSION, lock.version, lock.packages['']?.version], [version, version, version]);
  });

  it('stands nowhere else: each other literal is the version of something else', () => {
    const files = [
      'gdk-config.json',
      ...['src', 'deploy', 'components', 'recipes', 'scripts'].flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
          (name) => `${folder}/${name}`,
        ),
      ),
    ].filter((file) => /\.(ts|mjs|json|yaml)$/.test(file));
    // Components' recipes are links to those in recipes/, and a list of libraries has nothing but versions of others.
    const sources = files.filter(
      (file) => !/\/recipe\.yaml$|\/greengrass-build\/|build\/native-parts\.ts$/.test(file),
    );
    assert.ok(sources.length > 400, String(sources.length));
    const found = Object.fromEntries(
      sources
        .map((file) => [file, [...new Set(literals(file))].sort()] as const)
        .filter(([, list]) => list.length > 0),
    );
    const known = Object.fromEntries(
      Object.entries(OTHERS).map(([file, list]) => [file, Object.keys(list).sort()]),
    );
    assert.deepEqual(found, known);
  });

  it('is left open in the recipes of ours, for the build to fill in', () => {
    for (const file of OURS) assert.match(text(file), /^ComponentVersion: '\{COMPONENT_VERSION\}'$/m, file);
  });

  it('is what their build writes into them', async () => {
    const out = await mkdtemp(join(tmpdir(), 'one-version-'));
    try {
      const release = { version: VERSION, billFolder: out };
      const { recipe } = await buildProject(root.replace(/\/$/, ''), { root, out, release });
      assert.equal(recipe.ComponentName, 'org.edgemanager.EdgeManager');
      assert.equal(recipe.ComponentVersion, VERSION);
    } finally {
      await rm(out, { recursive: true });
    }
  });

  it('is what an agent says, to apps and in its heartbeat', async () => {
    await using twins = await AgentTwins.create();
    assert.equal(twins.agent.heartbeat.collect().agentVersion, VERSION);
    const { agentVersion } = await twins.requester.request('hello', {}, { timeoutMs: 60_000 });
    assert.equal(agentVersion, VERSION);
  });

  it('is within the ranges by which components and models ask for one another', async () => {
    const recipes = await Promise.all(OURS.map((file) => ownRecipe(join(root, file))));
    const model = modelRecipe({
      componentName: 'org.edgemanager.model.Any',
      componentVersion: '1.0.0',
      description: '',
      publisher: '',
      target: 'any',
      files: ['manifest.json'],
    });
    const ranges = [...recipes, model].flatMap(({ ComponentDependencies }) =>
      Object.entries((ComponentDependencies ?? {}) as Record<string, { VersionRequirement: string }>)
        .filter(([name]) => name.startsWith('org.edgemanager.'))
        .map(([, { VersionRequirement }]) => VersionRequirement),
    );
    assert.equal(ranges.length, 4);
    for (const range of ranges) assert.ok(semver.satisfies(VERSION, range), range);
  });

  it('is what the command line prints', async () => {
    for (const option of ['--version', '-V']) {
      const { out, code } = await spawnCli([option], {}, root);
      assert.deepEqual([out, code], [`${VERSION}\n`, 0], cli);
    }
  });
});
