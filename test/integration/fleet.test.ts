import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  applyFleet,
  awsFleetCloud,
  fleetNamed,
  indexHeartbeats,
  listDevices,
  parseFleets,
  proposeFleets,
  type FleetCloud,
} from '../../deploy/mod.js';
import { heartbeatTopic } from '../../src/contract/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { setUpOperator, type OperatorKeys } from '../../examples/stage/mod.js';
import { ADMINISTRATOR, startLocalCloud, type CallHook, type LocalCloud } from '../../src/local/cloud/mod.js';
import { heartbeatPayload, heartbeatReport } from '../../src/telemetry/mod.js';
import { awsOf, runCli, spawnCli, type CliOutcome } from '../lib/cli.js';
import { temporaryFolder } from '../lib/model-package.js';

const FLEETS = `
fleets:
  ovens:
    description: Ovens of hall 3
    roleAlias: Devices
    output: { s3OutputLocation: s3://captures/hall-3, kmsKeyId: alias/captures }
    artifactBucket: artifacts
    createThings: true
    devices:
      - oven-1
      - { name: oven-2, thingName: serial_77, description: the old one }
`;

const ROLLOUT = `
fleet: ovens
components: { org.edgemanager.AgentRuntime: { version: 1.0.0 } }
stages: [{ name: all, select: { percentage: 100 }, failureHandling: DO_NOTHING }]
ratePerMinute: 100
abort: { thresholdPercentage: 10, minNumberOfExecutedThings: 10 }
timeoutMinutes: 30
gate: { minSucceededShare: 1, maxFailedShare: 0, minFinished: 1, soakSeconds: 0, timeoutSeconds: 60 }
`;

describe('edge-manager fleet and device', () => {
  let folder: string;
  let local: LocalCloud;
  let cloud: FleetCloud & { close(): void };
  /** The commands have the rights of the fleet's operator, and no more. */
  let operator: OperatorKeys;

  beforeEach(async () => {
    folder = await temporaryFolder('fleet-cli-');
    local = await startLocalCloud({ folder: join(folder, 'cloud'), componentDelayMs: 0 });
    const { region, endpoint, credentials } = local;
    cloud = awsFleetCloud({ region, endpoint, credentials });
    operator = setUpOperator(local, fleetNamed(parseFleets(parse(FLEETS)), 'ovens'));
    await writeFile(join(folder, 'fleets.yaml'), FLEETS);
  });

  afterEach(async () => {
    cloud.close();
    await local.close();
    await rm(folder, { recursive: true, force: true });
  });

  const run = (...args: string[]): Promise<CliOutcome> =>
    runCli(args, { folder, aws: awsOf({ ...local, credentials: operator }) });

  async function succeeds(...args: string[]): Promise<string> {
    const { code, out, error } = await run(...args);
    assert.equal(code, 0, error);
    return out;
  }

  /** One sentence and the next step on standard error, exit code 1. */
  async function fails(args: readonly string[], sentence: RegExp, next: RegExp, ran = run(...args)) {
    const { code, error } = await ran;
    const lines = error.trimEnd().split('\n');
    assert.equal(code, 1, error);
    assert.match(lines[0] ?? '', sentence);
    assert.match(lines[1] ?? '', next);
    assert.equal(lines.length, 2, error);
  }

  const changes = (): number =>
    [...local.calls].reduce(
      (sum, [name, count]) => (/^(Create|Update|Add|Remove|Delete|Tag)/.test(name) ? sum + count : sum),
      0,
    );

  it('plans, applies once, shows and describes what is there', async () => {
    const planned = await succeeds('fleet', 'plan', 'fleets.yaml');
    assert.match(planned, /create +│ thing group/);
    assert.match(planned, /create, register, add +│ thing serial_77 +│ as oven-2: the old one/);
    assert.match(planned, /Warning: The role alias Devices does not exist: aws iot create-role-alias/);
    assert.equal(changes(), 0);
    const applied = JSON.parse(
      await succeeds('fleet', 'apply', 'fleets.yaml', '--yes', '--json', '--policies', 'out'),
    ) as { done: unknown[] }[];
    assert.equal(applied[0]?.done.length, 7);
    assert.deepEqual((await readdir(join(folder, 'out/ovens'))).sort(), [
      'device-iot-policy.json',
      'device-role-policy.json',
      'device-role-trust.json',
      'operator-policy.json',
    ]);
    const role = await readFile(join(folder, 'out/ovens/device-role-policy.json'), 'utf8');
    assert.match(role, /arn:aws:s3:::captures\/hall-3\/ovens\/\*/);
    const before = changes();
    assert.match(await succeeds('fleet', 'apply', 'fleets.yaml'), /Nothing is missing/);
    assert.equal(changes(), before);
    assert.match(await succeeds('fleet', 'list'), /ovens +│ ovens +│ s3:\/\/captures\/hall-3 +│ Devices/);
    const described = JSON.parse(await succeeds('fleet', 'describe', 'ovens', '--json')) as {
      [key: string]: unknown;
    };
    assert.deepEqual(
      [described['description'], described['outputConfig'], described['registeredDeviceCount']],
      ['Ovens of hall 3', { s3OutputLocation: 's3://captures/hall-3', kmsKeyId: 'alias/captures' }, 2],
    );
  });

  it('registers, lists, describes and deregisters devices', async () => {
    for (const proposal of await proposeFleets(cloud, parseFleets(parse(FLEETS)), systemClock))
      await applyFleet(cloud, proposal);
    local.registry.createThing('serial_80');
    local.attachPolicy(ADMINISTRATOR);
    await succeeds('device', 'register', 'ovens', 'oven-3=serial_80', '--description', 'new line', '--yes');
    assert.match(await succeeds('device', 'list', 'ovens'), /oven-3 +│ serial_80 +│ unknown/);
    await indexHeartbeats(cloud);
    local.attach('serial_80', { deploy: () => Promise.reject(new Error('nothing is deployed here')) });
    const model = { name: 'mnist', version: '5.0.0', state: 'SERVING', lastSampleMs: 1e12 } as const;
    const capture = { delivered: 1, dropped: 0, queuedRecords: 0, queueBytes: 0 };
    const report = heartbeatReport(
      {
        agentVersion: '0.1.0',
        device: 'oven-3',
        fleet: 'ovens',
        models: [{ ...model, lastInferenceMs: 2e12 }],
        capture,
        uploadError: { code: 'INVALID_ARGUMENT', message: "'bucket' is missing", atMs: 1 },
      },
      1_700_000_000_000,
      60,
    );
    await local.iotCore('serial_80').publish(heartbeatTopic('serial_80'), heartbeatPayload(report));
    const listed = JSON.parse(await succeeds('device', 'list', 'ovens', '--model', 'mnist', '--json')) as {
      deviceName: string;
      connected: boolean;
    }[];
    assert.deepEqual(
      listed.map((one) => [one.deviceName, one.connected]),
      [['oven-3', true]],
    );
    const newer = { heartbeatAfterMs: 1_700_000_000_000 };
    assert.deepEqual(await listDevices(cloud, 'ovens', newer), []);
    const text = await succeeds('device', 'describe', 'ovens', 'oven-3');
    for (const part of [
      /new line/,
      /registered +│ 20\d\d-/,
      /connected +│ yes since 20/,
      /agent +│ 0\.1\.0/,
      /captures +│ 1 delivered, 0 queued, 0 dropped/,
      /the uploader refuses its configuration +│ INVALID_ARGUMENT: 'bucket' is missing/,
    ])
      assert.match(text, part);
    assert.match(
      text,
      /mnist +│ 5\.0\.0 +│ SERVING +│ 2033-05-18T03:33:20\.000Z +│ 2001-09-09T01:46:40\.000Z/,
    );
    await succeeds('device', 'deregister', 'ovens', 'oven-3', '--yes');
    assert.deepEqual([...local.registry.group('ovens').things].sort(), ['oven-1', 'serial_77']);
    assert.ok(local.registry.things.has('serial_80'), 'the thing stays');
    await fails(
      ['device', 'describe', 'ovens', 'oven-3'],
      /oven-3 is no device of the fleet ovens/,
      /device list ovens/,
    );
  });

  it('imports a former fleet into a file that plans, and replaces none', async () => {
    const former = {
      DeviceFleetName: 'ovens',
      OutputConfig: { S3OutputLocation: 's3://my-sagemaker-captures/ovens' },
      CreationTime: 1,
    };
    await writeFile(join(folder, 'former.json'), JSON.stringify(former));
    await fails(['fleet', 'import', 'former.json'], /fleets\.yaml as it exists already/, /--force/);
    assert.equal(await readFile(join(folder, 'fleets.yaml'), 'utf8'), FLEETS);
    const out = await succeeds('fleet', 'import', 'former.json', '--force');
    assert.match(out, /Without counterpart: CreationTime \(.*\/former\.json\)/);
    assert.match(await succeeds('fleet', 'plan', 'fleets.yaml'), /s3:\/\/my-sagemaker-captures\/ovens/);
    assert.deepEqual((await readdir(folder)).sort(), ['cloud', 'fleets.yaml', 'former.json']);
  });

  it('gives a rollout the fleet’s configuration', async () => {
    for (const proposal of await proposeFleets(cloud, parseFleets(parse(FLEETS)), systemClock))
      await applyFleet(cloud, proposal);
    await writeFile(join(folder, 'rollout.yaml'), ROLLOUT);
    await fails(
      ['deploy', 'plan', 'rollout.yaml', '--fleets', 'fleets.yaml'],
      /org\.edgemanager\.AgentRuntime 1\.0\.0 does not exist/,
      /Publish the version first/,
    );
    await fails(
      ['deploy', 'plan', 'rollout.yaml', '--fleet', 'ovens'],
      /--fleet without --fleets/,
      /--fleets/,
    );
  });

  it('says one sentence and the next step for what is wrong, and does nothing', async () => {
    const file = async (text: string): Promise<string> => {
      await writeFile(join(folder, 'wrong.yaml'), text);
      return 'wrong.yaml';
    };
    const apply = async (text: string): Promise<string[]> => ['fleet', 'apply', await file(text), '--yes'];
    await fails(
      await apply('fleets: { ovens: { device: [] } }'),
      /^INVALID_ARGUMENT: .*'fleets\.ovens\.device' is not a known key: known are thingGroup/,
      /^Next: Correct the fleets file/,
    );
    await fails(
      await apply('fleets: {'),
      /Cannot read the fleets file .*\/wrong\.yaml as it is not YAML: /,
      /YAML or JSON/,
    );
    await fails(['fleet', 'plan', 'fleets.yaml', '--fleet', 'grills'], /fleet grills/, /Give one of ovens/);
    await indexHeartbeats(cloud);
    await fails(
      await apply('fleets: { ovens: { query: "thingGroupNames:hall-9" } }'),
      /its query names the thing group hall-9, which does not exist/,
      /Create the thing group, or correct the query/,
    );
    await fails(await apply('fleets: { ovens: { devices: [oven-9] } }'), /do not exist: oven-9/, /Provision/);
    await fails(['fleet', 'apply', 'fleets.yaml'], /Cannot ask as there is no terminal/, /Give --yes/);
    for (const args of [
      ['fleet', 'describe', 'nobody'],
      ['device', 'register', 'nobody', 'oven-1'],
    ])
      await fails(args, /the thing group nobody does not exist/, /fleet apply/);
    await fails(
      ['device', 'register', 'nobody', 'serial_80'],
      /'\[0\]\.name' must have the form/,
      /Give name=thing/,
    );
    assert.equal(changes(), 1, 'only the test itself turned indexing on');
  });

  it('says what to set without credentials or region', async () => {
    const { AWS_ENDPOINT_URL = '', AWS_REGION = '' } = local.environment;
    const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = local.environment;
    const plan = ['fleet', 'plan', 'fleets.yaml'];
    const noKeys = spawnCli(plan, { AWS_ENDPOINT_URL, AWS_REGION }, folder);
    await fails(plan, /there are no AWS credentials/, /aws sso login/, noKeys);
    const keys = { AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
    await fails(plan, /no region is set/, /Set AWS_REGION/, spawnCli(plan, keys, folder));
  });

  it('names the missing permission, whichever call is denied, and goes on where it stopped', async () => {
    const deny =
      (operation: string): CallHook =>
      (call) =>
        call.operation === operation ? 'deny' : undefined;
    const operations = [
      'DescribeThingGroup',
      'DescribeRoleAlias',
      'CreateThingGroup',
      'UpdateThingShadow',
      'AddThingToThingGroup',
    ];
    for (const operation of operations) {
      local.setHook(deny(operation));
      await fails(
        ['fleet', 'apply', 'fleets.yaml', '--yes'],
        new RegExp(`^PERMISSION_DENIED: .*AWS denied it for want of iot:${operation}$`),
        new RegExp(`^Next: Give the caller the permission iot:${operation}$`),
      );
      // A reading call that is denied stops the apply before it has changed anything.
      if (operation.startsWith('Describe')) assert.equal(changes(), 0, operation);
    }
    local.setHook(undefined);
    await succeeds('fleet', 'apply', 'fleets.yaml', '--yes');
    assert.deepEqual([...local.registry.group('ovens').things].sort(), ['oven-1', 'serial_77']);
    assert.match(await succeeds('fleet', 'plan', 'fleets.yaml'), /Nothing is missing/);
  });
});
