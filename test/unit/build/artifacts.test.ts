import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EdgeError } from '../../../src/core/mod.js';
import {
  billOfMaterials,
  checkArtifactFile,
  checkBuild,
  licencesFile,
  writeZip,
} from '../../../deploy/build/mod.js';
import { zipContent } from '../../lib/zip.js';

const recipe = (uris: readonly string[], script = 'exec node main.js'): string =>
  JSON.stringify({
    RecipeFormatVersion: '2020-01-25',
    ComponentName: 'org.edgemanager.App',
    ComponentVersion: '1.0.0',
    Manifests: [
      {
        Platform: { os: 'linux', runtime: '*' },
        Lifecycle: { run: script },
        Artifacts: uris.map((Uri) => ({ Uri })),
      },
    ],
  });
const URI = 's3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/';

describe('build checks', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'build-'));
    await mkdir(join(folder, 'artifacts'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function check(text: string, files: readonly string[]): Promise<string> {
    await writeFile(join(folder, 'recipe.yaml'), text);
    for (const file of files) await writeFile(join(folder, 'artifacts', file), file);
    try {
      await checkBuild(join(folder, 'recipe.yaml'), join(folder, 'artifacts'), '/home/builder/project');
      return '';
    } catch (error) {
      assert.ok(error instanceof EdgeError, String(error));
      return error.message;
    }
  }

  it('pass a recipe whose artifacts are all there', async () => {
    assert.equal(await check(recipe([`${URI}main.js`]), ['main.js']), '');
  });

  it('refuse an artifact URI without its file', async () => {
    assert.match(
      await check(recipe([`${URI}main.js`]), []),
      /no file stands behind the artifact s3:.*main\.js/,
    );
  });

  it('refuse a file that no URI names', async () => {
    assert.match(
      await check(recipe([`${URI}main.js`]), ['main.js', 'left.js']),
      /no artifact Uri names left\.js/,
    );
  });

  it('refuse a misspelt key, which gdk lets pass', async () => {
    const text = recipe([`${URI}main.js`]).replace('"run"', '"Run"');
    assert.match(await check(text, ['main.js']), /Lifecycle\.Run' is not a known key/);
  });

  it('tell of what AWS takes where the component is somebody else’s, but for artifacts that publishing must bring', async () => {
    const others = (text: string): string => text.replace('org.edgemanager.App', 'com.example.App');
    const read = async (text: string): Promise<string> => {
      assert.equal(await check(others(text), ['main.js']), '');
      const { warnings } = await checkBuild(
        join(folder, 'recipe.yaml'),
        join(folder, 'artifacts'),
        '/home/builder',
      );
      return warnings.join('\n');
    };
    assert.equal(await read(recipe([`${URI}main.js`])), '');
    assert.match(
      await read(recipe([`${URI}main.js`]).replace('"run"', '"rum"')),
      /Lifecycle\.rum' is not a known key.*'run' may be meant/,
    );
    assert.match(await read(recipe([]).replace(',"runtime":"*"', '')), /nucleus lite would refuse it/);
    assert.match(
      await read(recipe([`${URI}main.js`, 'docker:alpine:3'])),
      /no file stands behind the artifact docker:alpine:3/,
    );
    assert.match(await read(recipe([])), /no artifact Uri names main\.js/);
    assert.match(
      await check(others(recipe([`${URI}other.js`])), []),
      /no file stands behind the artifact s3:/,
    );
  });

  it('refuse a recipe of more than 16,000 bytes', async () => {
    assert.match(await check(recipe([], `echo ${'x'.repeat(16_000)}`), []), /16000 bytes/);
  });

  it('refuse what only nucleus lite would refuse', async () => {
    const text = recipe([]).replace(',"runtime":"*"', '');
    assert.match(await check(text, []), /nucleus lite would refuse it/);
  });

  it('refuse a path of the build machine and a secret', async () => {
    assert.match(await check(recipe([], 'cd /home/builder/project'), []), /path of the build machine/);
    assert.match(await check(recipe([], 'export K=AKIAABCDEFGHIJKLMNOP'), []), /secret: AKIAABCD\.\.\./);
    const file = (text: string) => ({ name: 'main.js', bytes: Buffer.from(text) });
    assert.throws(() =>
      checkArtifactFile('com.example.App', file('"/home/builder/project/x"'), '/home/builder/project'),
    );
    assert.throws(() =>
      checkArtifactFile('com.example.App', file('"AKIAABCDEFGHIJKLMNOP"'), '/home/builder'),
    );
    checkArtifactFile('com.example.App', file('"fine"'), '/home/builder');
  });
});

describe('writeZip', () => {
  it('gives equal bytes whatever the order, the time and the time zone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'zip-'));
    const zone = process.env['TZ'];
    const files = [
      { name: 'b.js', bytes: Buffer.from('b'.repeat(1000)) },
      { name: 'a.js', bytes: Buffer.from('a') },
    ];
    try {
      process.env['TZ'] = 'Pacific/Auckland';
      await writeZip(join(folder, '1.zip'), files);
      process.env['TZ'] = 'America/Los_Angeles';
      await writeZip(join(folder, '2.zip'), files.toReversed());
      assert.deepEqual(await readFile(join(folder, '1.zip')), await readFile(join(folder, '2.zip')));
      assert.deepEqual([...(await zipContent(join(folder, '1.zip'))).keys()], ['a.js', 'b.js']);
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
      await rm(folder, { recursive: true });
    }
  });
});

describe('notices', () => {
  const packages = [
    { name: '@scope/lib', version: '1.2.3', licence: 'MIT', text: 'Permission is granted', sha512: '' },
  ];
  const bill = { name: 'com.example.App', version: '1.0.0', packages, files: [] };

  it('name each shipped package in a CycloneDX bill of materials, with equal bytes each time', () => {
    const text = billOfMaterials(bill);
    const bom = JSON.parse(text) as { bomFormat: string; components: { purl: string }[] };
    assert.equal(bom.bomFormat, 'CycloneDX');
    assert.deepEqual(
      bom.components.map(({ purl }) => purl),
      ['pkg:npm/%40scope/lib@1.2.3'],
    );
    assert.equal(billOfMaterials(bill), text);
  });

  it('carry the licence text of each shipped package', () => {
    assert.match(licencesFile(packages), /@scope\/lib 1\.2\.3 \(MIT\)[\s\S]*Permission is granted/);
  });
});
