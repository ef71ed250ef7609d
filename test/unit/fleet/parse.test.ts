import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  fleetNamed,
  FleetDeviceSchema,
  FleetSchema,
  FleetsFileSchema,
  parseFleets,
} from '../../../deploy/mod.js';
import { readFleets } from '../../../deploy/fleet/mod.js';
import { makeSigningKey } from '../../../examples/stage/mod.js';
import { EdgeError } from '../../../src/core/mod.js';

const docs = readFileSync('docs/fleets.md', 'utf8');

describe('the place of captures in a fleets file', () => {
  for (const output of ['s3://captures/../other', 's3://captures/a/./b', 's3://captures/x/..'])
    it(`is told of where stores refuse its keys: ${output}`, () => {
      const [fleet] = parseFleets({ fleets: { 'hall-3': { output: { s3OutputLocation: output } } } });
      assert.match(fleet?.warnings.join() ?? '', /'capture.folderPrefix' should hold no '\.' or '\.\.'/);
    });

  it('is refused with a character that a key should not hold', () => {
    for (const output of ['s3://captures/a\nb', 's3://captures/a\0b', 's3://captures/\u202eb', 's3://../b'])
      assert.throws(() => parseFleets({ fleets: { 'hall-3': { output: { s3OutputLocation: output } } } }), {
        code: 'INVALID_ARGUMENT',
      });
  });
});

describe('the trust of a fleets file', () => {
  let folder = '';
  const { publicPem } = makeSigningKey();
  const fleets = (trust: string): string => `fleets:
  ovens:
    trust: [${trust}]
    agent: { signature: { policy: required, trustedKeysFile: /etc/keys.pem } }
`;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trust-'));
    await writeFile(join(folder, 'public.pem'), publicPem);
    await writeFile(
      join(folder, 'key.pem'),
      '-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n',
    );
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('becomes the agent’s trusted keys, beside what the file says of signatures', async () => {
    await writeFile(join(folder, 'fleets.yaml'), fleets('public.pem'));
    const [fleet] = await readFleets(join(folder, 'fleets.yaml'));
    assert.deepEqual(fleet?.agent?.['signature'], {
      policy: 'required',
      trustedKeysFile: '/etc/keys.pem',
      trustedKeys: [publicPem],
    });
  });

  it('refuses a private key and a file that is not there, by name', async () => {
    for (const [file, sentence] of [
      ['key.pem', /Cannot trust .*key\.pem as it holds no public key or certificate in PEM/],
      ['other.pem', /Cannot read the key file: .*other\.pem/],
    ] as const) {
      await writeFile(join(folder, 'fleets.yaml'), fleets(file));
      await assert.rejects(readFleets(join(folder, 'fleets.yaml')), sentence);
    }
  });
});

describe('docs/fleets', () => {
  it('holds the schema that fleets files are checked by', () => {
    const published: unknown = JSON.parse(readFileSync('docs/fleets.schema.json', 'utf8'));
    assert.deepEqual(published, JSON.parse(JSON.stringify(FleetsFileSchema)));
  });

  it('names every key', () => {
    for (const key of [...Object.keys(FleetSchema.properties), ...Object.keys(FleetDeviceSchema.properties)])
      assert.match(docs, new RegExp(`[\`.]${key}\``), `${key} is not in docs/fleets.md`);
  });

  it('gives every field of Edge Manager’s DeviceFleet and Device a place', () => {
    const fields = {
      CreateDeviceFleet: [
        'DeviceFleetName',
        'RoleArn',
        'Description',
        'OutputConfig',
        'Tags',
        'EnableIotRoleAlias',
      ],
      EdgeOutputConfig: ['S3OutputLocation', 'KmsKeyId', 'PresetDeploymentType', 'PresetDeploymentConfig'],
      DescribeDeviceFleet: ['DeviceFleetArn', 'CreationTime', 'LastModifiedTime', 'IotRoleAlias'],
      RegisterDevices: ['Devices', 'Tags'],
      Device: ['DeviceName', 'Description', 'IotThingName'],
      DescribeDevice: [
        'DeviceArn',
        'RegistrationTime',
        'LatestHeartbeat',
        'Models',
        'MaxModels',
        'AgentVersion',
        'LatestSampleTime',
        'LatestInference',
      ],
    };
    for (const [shape, names] of Object.entries(fields))
      for (const name of names)
        assert.match(docs, new RegExp(`\\| \`${shape}\\.${name}\` `), `${shape}.${name}`);
  });

  it('shows a file that is valid', () => {
    const example = /```yaml\n([^`]+)```/.exec(docs)?.[1] ?? '';
    assert.equal(parseFleets(parse(example)).length, 2);
  });
});

describe('parseFleets', () => {
  const one = (entry: unknown) => parseFleets({ fleets: { ovens: entry } });

  it('puts defaults in, and what the fleet says into the components’ configuration', () => {
    const [fleet] = one({
      output: { s3OutputLocation: 's3://captures/hall-3/', kmsKeyId: 'alias/captures' },
      agent: { CaptureDataBatchSize: '20', probation: { requests: 500 } },
      devices: ['oven-1', { name: 'oven-2', thingName: 'serial_77', description: 'the old one' }],
    });
    assert.ok(fleet);
    assert.equal(fleet.group, 'ovens');
    assert.deepEqual(fleet.output, { bucket: 'captures', prefix: 'hall-3', kmsKeyId: 'alias/captures' });
    assert.deepEqual(fleet.agent, {
      fleet: 'ovens',
      probation: { requests: 500 },
      capture: { batchSize: 20, folderPrefix: 'hall-3' },
    });
    assert.deepEqual(fleet.uploader, { bucket: 'captures', kmsKeyId: 'alias/captures' });
    assert.deepEqual(
      fleet.devices.map((device) => [device.name, device.thing, device.description]),
      [
        ['oven-1', 'oven-1', undefined],
        ['oven-2', 'serial_77', 'the old one'],
      ],
    );
  });

  it('has the agent’s own prefix where the location has none', () => {
    assert.equal(one({ output: { s3OutputLocation: 's3://captures' } })[0]?.output?.prefix, 'sme-capture');
    const [own] = one({
      output: { s3OutputLocation: 's3://captures' },
      agent: { capture: { folderPrefix: 'mine' } },
    });
    assert.equal(own?.output?.prefix, 'mine');
  });

  const arn = 'arn:aws:iot:eu-west-1:123456789012:thinggroup/ovens-group';
  it('takes a thing group by ARN', () => {
    const [fleet] = one({ thingGroup: arn });
    assert.deepEqual([fleet?.group, fleet?.groupArn], ['ovens-group', arn]);
  });

  const refusals: [string, unknown, RegExp, string][] = [
    ['a list', [], /it must be an object/, ''],
    ['no fleets', {}, /'fleets' is missing/, 'fleets'],
    [
      'a tag that AWS refuses',
      { fleets: { a: { tags: { hall: '☃' } } } },
      /'fleets\.a\.tags' must hold letters, digits/,
      'fleets.a.tags.hall',
    ],
    ['a wrong name', { fleets: { 'a b': {} } }, /'fleets\.a b' is not a known key/, 'fleets.a b'],
    [
      'a wrong key',
      { fleets: { a: { things: [] } } },
      /'fleets\.a\.things' is not a known key: known are thingGroup/,
      'fleets.a.things',
    ],
    [
      'a wrong key of a device',
      { fleets: { a: { devices: ['b', { name: 'c', thing: 'd' }] } } },
      /'fleets\.a\.devices\[1\]\.thing' is not a known key: known are name/,
      'fleets.a.devices[1].thing',
    ],
    [
      'a wrong device name',
      { fleets: { a: { devices: ['b_c'] } } },
      /'fleets\.a\.devices\[0\]' must have the form/,
      'fleets.a.devices[0]',
    ],
    [
      'a wrong key of the agent',
      { fleets: { a: { agent: { capture: { wear: 1 } } } } },
      /at 'fleets\.a\.agent' as 'capture\.wear' is not a known key/,
      'fleets.a.agent.capture.wear',
    ],
    [
      'a wrong value of the uploader',
      { fleets: { a: { uploader: { bucket: 'abc', maxConcurrency: 99 } } } },
      /at 'fleets\.a\.uploader' as 'maxConcurrency' must be at most 16: current value is 99/,
      'fleets.a.uploader.maxConcurrency',
    ],
    [
      'an uploader without a bucket',
      { fleets: { a: { uploader: { gzip: true } } } },
      /at 'fleets\.a\.uploader' as 'bucket' is missing/,
      'fleets.a.uploader.bucket',
    ],
    [
      'two buckets',
      { fleets: { a: { output: { s3OutputLocation: 's3://one/x' }, uploader: { BucketName: 'two' } } } },
      /'fleets\.a\.uploader\.bucket' must be what the fleet says \("one"\): current value is "two"/,
      'fleets.a.uploader.bucket',
    ],
    [
      'two prefixes',
      { fleets: { a: { output: { s3OutputLocation: 's3://one/x' }, agent: { FolderPrefix: 'y' } } } },
      /must be what the fleet says \("x"\)/,
      'fleets.a.agent.capture.folderPrefix',
    ],
    [
      'one name for all devices',
      { fleets: { a: { agent: { deviceName: 'd' } } } },
      /all devices of the fleet one name/,
      'fleets.a.agent.deviceName',
    ],
    [
      'devices and a query',
      { fleets: { a: { devices: [], query: 'thingName:a*' } } },
      /both devices and a query/,
      'fleets.a.query',
    ],
    [
      'a device twice',
      { fleets: { a: { devices: ['b', 'b'] } } },
      /'fleets\.a\.devices\[1\]' names b/,
      'fleets.a.devices[1]',
    ],
    [
      'a thing in two fleets',
      { fleets: { a: { devices: ['x'] }, b: { devices: ['x'] } } },
      /a and b share the thing x/,
      'fleets.b',
    ],
    [
      'a thing group of two fleets',
      { fleets: { a: {}, b: { thingGroup: 'a' } } },
      /share the thing group a/,
      'fleets.b',
    ],
    [
      'no S3 location',
      { fleets: { a: { output: { s3OutputLocation: 'captures' } } } },
      /s3OutputLocation' must have the form/,
      'fleets.a.output.s3OutputLocation',
    ],
  ];
  for (const [title, value, pattern, field] of refusals) {
    it(`refuses ${title}, with the key and the next step`, () => {
      assert.throws(
        () => parseFleets(value),
        (error) => {
          assert.ok(error instanceof EdgeError);
          assert.match(error.message, /^Cannot use the fleets file /);
          assert.match(error.message, pattern);
          assert.equal(error.field, field);
          assert.notEqual(error.nextStep, undefined);
          return true;
        },
      );
    });
  }

  it('names the fleets there are for one that is not', () => {
    assert.throws(() => fleetNamed(one({}), 'grills'), /Cannot find the fleet grills/);
  });
});
