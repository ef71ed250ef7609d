import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Type } from '@sinclair/typebox';
import { validate } from '../../src/core/mod.js';
import { parseRecipe, problemsOnLite, renderRecipe, validateRecipe } from '../../src/recipe/mod.js';
import { parseConfiguration } from '../../src/runtime/config/mod.js';
import { environmentOf } from '../../src/local/nucleus/environment.js';
import { blocksOf, pageText, valueOf, type DocumentedBlock } from '../lib/documented.js';

const root = new URL('../../../', import.meta.url);
const PAGE = 'docs/devices/containers.md';

/** What docker compose takes of what the page uses: the Compose Specification has these keys, so spelt. */
const Compose = Type.Object(
  {
    services: Type.Record(
      Type.String({ pattern: '^[a-z][a-z0-9_-]*$' }),
      Type.Object(
        {
          image: Type.String({ pattern: '^[a-z0-9./-]+:(?!latest$)[\\w.-]+$' }),
          user: Type.String({ pattern: '^\\$\\{\\w+\\}:\\$\\{\\w+\\}$' }),
          environment: Type.Record(Type.String({ pattern: '^[A-Z_]+$' }), Type.String()),
          volumes: Type.Array(
            Type.Object(
              {
                type: Type.Literal('bind'),
                source: Type.String({ minLength: 1 }),
                target: Type.String({ minLength: 1 }),
                bind: Type.Optional(
                  Type.Object({ create_host_path: Type.Boolean() }, { additionalProperties: false }),
                ),
              },
              { additionalProperties: false },
            ),
          ),
          network_mode: Type.Union([Type.Literal('none'), Type.Literal('host')]),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

const INSTRUCTIONS = new Set(['FROM', 'RUN', 'COPY', 'WORKDIR', 'USER', 'CMD', 'ENV', 'ENTRYPOINT', 'ARG']);

describe('files that the pages show', () => {
  const pages = ['README.md', ...['docs/', 'docs/devices/', 'docs/decisions/'].flatMap(pagesIn)];
  for (const page of pages) {
    const blocks = blocksOf(page).filter(({ language }) => language === 'json' || language === 'yaml');
    if (blocks.length === 0) continue;
    it(`${page}: JSON and YAML can be read`, () => {
      for (const block of blocks) assert.equal(typeof valueOf(block), 'object', block.text);
    });
  }

  it('docs/security.md: the agent takes the configuration of keys as it stands there', () => {
    const [shown] = blocksOf('docs/security.md').filter(({ language }) => language === 'json');
    assert.ok(shown !== undefined);
    const { signature } = parseConfiguration(valueOf(shown)).configuration;
    assert.equal(signature.keyRules?.length, 2);
  });

  it(`${PAGE}: the Dockerfile copies what is there, pins what it installs, and is not root`, () => {
    const instructions = instructionsOf(block('dockerfile', 'Dockerfile').text);
    const unknown = instructions.filter(([name]) => !INSTRUCTIONS.has(name));
    assert.deepEqual(unknown, []);
    assert.match(instructions[0]?.join(' ') ?? '', /^FROM [\w./-]+:(?!latest$)[\w.-]+$/);
    const copied = all(instructions, 'COPY').flatMap((text) => text.split(' ').slice(0, -1));
    for (const path of copied) assert.ok(existsSync(new URL(path, root)), `${path} is not there`);
    // Each module of ours that a copied one imports comes along.
    for (const path of copied) {
      for (const [, module = ''] of readFileSync(new URL(path, root), 'utf8').matchAll(
        /^\s*(?:from|import) (\w+)/gm,
      )) {
        const own = path.replace(/[^/]+$/, `${module}.py`);
        if (existsSync(new URL(own, root))) assert.ok(copied.includes(own), `${own} is not copied`);
      }
    }
    for (const text of all(instructions, 'RUN').filter((one) => one.startsWith('pip install'))) {
      const installed = text.split(' ').slice(2);
      const tested = readFileSync(new URL('.ci/requirements.txt', root), 'utf8').split('\n');
      for (const name of installed.filter((one) => !one.startsWith('-')))
        assert.ok(tested.includes(name), name);
    }
    const [user = 'root'] = all(instructions, 'USER').slice(-1);
    assert.ok(!/^(root|0)(:|$)/.test(user), 'the user is root');
    const command = JSON.parse(all(instructions, 'CMD').at(-1) ?? '') as string[];
    const [folder] = all(instructions, 'WORKDIR');
    const [target] = all(instructions, 'COPY').map((text) => text.split(' ').at(-1));
    assert.equal(`${folder}/`, target);
    assert.ok(
      copied.some((path) => path.endsWith(`/${command.at(-1)}`)),
      'what it starts is not copied',
    );
  });

  it(`${PAGE}: the compose file mounts the folder that the agent is given, and knows each variable`, () => {
    const shown = block('yaml', 'Compose file');
    const compose = validate(Compose, valueOf(shown), 'Cannot read the compose file');
    const { configuration } = parseConfiguration(valueOf(block('json', 'On the device')));
    const folder = configuration.exchangeFolder;
    const [app] = Object.values(compose.services);
    assert.deepEqual(
      app?.volumes.filter(({ source }) => source === folder),
      [{ type: 'bind', source: folder, target: folder, bind: { create_host_path: false } }],
    );
    assert.ok(app.volumes.every(({ source, target }) => source === target));
    assert.ok(
      pageText(PAGE).includes(`'d ${folder} 0700 ggc_user ggc_group'`),
      'systemd makes another folder',
    );
    const given = new Set([...nucleusVariables(), ...assignedIn(runStep())]);
    const used = [...shown.text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name);
    assert.deepEqual(
      used.filter((name) => !given.has(name)),
      [],
    );
    for (const name of ['SVCUID', 'AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT'])
      assert.equal(app.environment[name], `\${${name}}`);
  });

  it(`${PAGE}: the recipe is one that both nuclei take`, () => {
    const recipe = validateRecipe({
      RecipeFormatVersion: '2020-01-25',
      ComponentName: 'com.example.App',
      ComponentVersion: '1.0.0',
      Manifests: [
        {
          Platform: { os: 'linux', runtime: '*' },
          ...(recipePart() as object),
          Artifacts: [{ Uri: 's3://bucket/compose.yaml' }],
        },
      ],
    });
    assert.deepEqual(problemsOnLite(recipe), []);
    assert.deepEqual(parseRecipe(renderRecipe(recipe), 'lite'), recipe);
    assert.match(runStep(), /-f \{artifacts:path\}\/compose\.yaml/);
  });
});

function pagesIn(folder: string): string[] {
  return readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}${name}`);
}

function block(language: string, under: string, at = 0): DocumentedBlock {
  const found = blocksOf(PAGE).filter((one) => one.language === language && one.under === under);
  return found[at] ?? assert.fail(`no block ${language} under ${under}`);
}

function recipePart(): unknown {
  return valueOf(block('yaml', 'Compose file', 1));
}

function runStep(): string {
  return (recipePart() as { readonly Lifecycle: { readonly run: string } }).Lifecycle.run;
}

function assignedIn(script: string): string[] {
  return [...script.matchAll(/\b([A-Z_]+)=/g)].map(([, name = '']) => name);
}

function nucleusVariables(): string[] {
  const path = '/x';
  return Object.keys(
    environmentOf({
      profile: 'nucleus',
      socketPath: path,
      svcuid: 'x',
      thingName: 'x',
      region: 'x',
      rootPath: path,
      home: path,
      path,
      tokenExchangeUrl: undefined,
      own: {},
    }),
  );
}

/** Instructions and what stands behind them, lines that go on joined. */
function instructionsOf(text: string): [name: string, rest: string][] {
  return text
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
      return [name, rest];
    });
}

function all(instructions: readonly (readonly [string, string])[], wanted: string): string[] {
  return instructions.filter(([name]) => name === wanted).map(([, rest]) => rest);
}
