import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GreengrassV2 } from '@aws-sdk/client-greengrassv2';
import {
  awsFleetCloud,
  fleetNamed,
  indexHeartbeats,
  parseFleets,
  type FleetCloud,
  type RolloutPlan,
} from '../../deploy/mod.js';
import { setUpOperator, type OperatorKeys } from '../../examples/stage/mod.js';
import { startLocalCloud, type LocalCloud } from '../../src/local/cloud/mod.js';
import { awsOf, runCli, spawnCli, type CliOutcome } from '../lib/cli.js';
import { temporaryFolder } from '../lib/model-package.js';
import { until } from '../lib/until.js';
import { FakeDevice, plan } from '../unit/rollout/world.js';

const MODEL = 'org.edgemanager.model.mnist';
/** Calls that may change something; a refused plan makes none of them. */
const CHANGES = /^(Create|Add|Remove|Tag|Cancel|Update|Delete)/;

describe('edge-manager deploy', () => {
  let folder: string;
  let local: LocalCloud;
  let cloud: FleetCloud & { close(): void };
  /** The commands have the rights of the fleet's operator, and no more. */
  let operator: OperatorKeys;
  let devices: readonly FakeDevice[];

  beforeEach(async () => {
    folder = await temporaryFolder('deploy-cli-');
    local = await startLocalCloud({ folder: join(folder, 'cloud'), componentDelayMs: 0 });
    const { region, endpoint, credentials } = local;
    cloud = awsFleetCloud({ region, endpoint, credentials });
    operator = setUpOperator(local, fleetNamed(parseFleets({ fleets: { ovens: {} } }), 'ovens'));
    await cloud.createGroup('ovens', '', {});
    devices = ['oven-1', 'oven-2', 'oven-3'].map(connect);
    await publish('5.0.0', 'amd64');
    await publish('6.0.0', 'amd64');
    await indexHeartbeats(cloud);
  });

  afterEach(async () => {
    cloud.close();
    await local.close();
    await rm(folder, { recursive: true, force: true });
  });

  function connect(thing: string): FakeDevice {
    local.registry.createThing(thing);
    local.registry.join('ovens', thing);
    const device = new FakeDevice((version) => version === '6.0.0');
    const platform = { os: 'linux', architecture: 'amd64', runtime: 'aws_nucleus_classic' };
    local.attach(thing, { platform, deploy: (document) => device.deploy(document) });
    return device;
  }

  async function publish(version: string, architecture: string): Promise<void> {
    const { region, endpoint, credentials } = local;
    const greengrass = new GreengrassV2({ region, endpoint, credentials });
    const recipe = {
      RecipeFormatVersion: '2020-01-25',
      ComponentName: MODEL,
      ComponentVersion: version,
      Manifests: [{ Platform: { os: 'linux', architecture, runtime: '*' }, Lifecycle: { run: 'true' } }],
    };
    await greengrass.createComponentVersion({ inlineRecipe: Buffer.from(JSON.stringify(recipe)) });
    await until(async () => (await local.store.versions(MODEL)).includes(version), `${version} is there`);
    greengrass.destroy();
  }

  async function run(
    command: readonly string[],
    wanted: unknown,
    env?: Readonly<Record<string, string>>,
  ): Promise<CliOutcome> {
    await writeFile(join(folder, 'plan.json'), JSON.stringify(wanted));
    const args = ['deploy', ...command];
    return env === undefined
      ? runCli(args, { folder, aws: awsOf({ ...local, credentials: operator }) })
      : spawnCli(args, env, folder);
  }

  /** One sentence, the next step, exit code 1, and nothing was created. */
  async function refuses(
    wanted: unknown,
    sentence: RegExp,
    next: RegExp,
    env?: Readonly<Record<string, string>>,
  ): Promise<void> {
    const before = new Map(local.calls);
    const { code, error } = await run(['apply', 'plan.json', '--yes'], wanted, env);
    const lines = error.trimEnd().split('\n');
    assert.equal(code, 1, error);
    assert.match(lines[0] ?? '', sentence);
    assert.match(lines[1] ?? '', next);
    assert.equal(lines.length, 2, error);
    for (const [operation, count] of local.calls)
      if (CHANGES.test(operation)) assert.equal(count, before.get(operation), operation);
  }

  it('plans, rolls out, says where it stands, takes a broken version back and rolls back on request', async () => {
    const planned = await run(['plan', 'plan.json'], plan('ovens', '5.0.0'));
    assert.match(planned.out, /add +│ org\.edgemanager\.model\.mnist +│ +│ 5\.0\.0/);
    assert.match(planned.out, /one +│ 1/);
    assert.equal(devices.filter((one) => one.version() !== undefined).length, 0);
    const applied = await run(
      ['apply', 'plan.json', '--yes', '--poll-seconds', '0.05'],
      plan('ovens', '5.0.0'),
    );
    assert.equal(applied.code, 0, applied.error);
    assert.match(applied.out, /one \[#{20}\] 1\/1 HEALTHY {2}all \[#{20}\] 3\/3 HEALTHY/);
    assert.match(applied.out, /The rollout has succeeded/);
    const broken = await run(
      ['apply', 'plan.json', '--yes', '--poll-seconds', '0.05'],
      plan('ovens', '6.0.0'),
    );
    assert.equal(broken.code, 1);
    assert.match(broken.out, /The rollout was taken back: 1 of 1/);
    const watched = await run(['status', 'plan.json', '--watch', '--json'], plan('ovens', '6.0.0'));
    assert.equal(watched.code, 1);
    const seen = JSON.parse(watched.out) as { outcome: string; failures: { thing: string }[] };
    assert.equal(seen.outcome, 'ROLLED_BACK');
    assert.deepEqual(
      seen.failures.map(({ thing }) => thing),
      ['oven-1'],
    );
    const history = await run(['history', 'ovens'], {});
    assert.match(history.out, /final +│ 3 well, 0 failed │ org\.edgemanager\.model\.mnist 5\.0\.0/);
    assert.match(history.out, /oven-1 │ FAILED │ .*6\.0\.0: the startup step ended with 1/);
    assert.deepEqual(new Set(devices.map((one) => one.version())), new Set(['5.0.0']));
  });

  it('refuses what would fail on devices, with the next step, and creates nothing', async () => {
    await publish('8.0.0', 'aarch64');
    await cloud.createGroup('kitchen', '', {});
    local.registry.join('kitchen', 'oven-2');
    const arn = local.registry.group('kitchen').arn;
    await cloud.createDeployment({
      targetArn: arn,
      name: 'kitchen',
      components: { [MODEL]: { componentVersion: '5.0.0' } },
      limits: {
        maximumPerMinute: 10,
        abort: { thresholdPercentage: 50, minNumberOfExecutedThings: 1 },
        timeoutMinutes: 5,
      },
      rollbackOnFailure: true,
      tags: {},
      clientToken: 'kitchen-1',
    });
    const cases: readonly (readonly [unknown, RegExp, RegExp])[] = [
      [plan('nobody', '5.0.0'), /the thing group nobody does not exist/, /Create the thing group/],
      [plan('ovens', '9.9.9'), /mnist 9\.9\.9 does not exist/, /Publish the version first/],
      [
        plan('ovens', '8.0.0'),
        /no manifest of org\.edgemanager\.model\.mnist 8\.0\.0 serves the platform linux, amd64, aws_nucleus_classic of 3 devices of the fleet: oven-1, oven-2, oven-3/,
        /Publish a version with a manifest for that platform/,
      ],
      [
        plan('ovens', '6.0.0'),
        /in the thing group kitchen, which deploys org\.edgemanager\.model\.mnist 5\.0\.0, not 6\.0\.0/,
        /Take org\.edgemanager\.model\.mnist out of the deployment of kitchen/,
      ],
    ];
    for (const [wanted, sentence, next] of cases) await refuses(wanted, sentence, next);
  });

  it('names the key that a plan lacks or that it does not know', async () => {
    const { abort: _abort, ...unbounded } = plan('ovens', '5.0.0');
    for (const [wanted, sentence] of [
      [unbounded, /'abort' is missing/],
      [{ ...plan('ovens', '5.0.0'), rate: 1 }, /'rate' is not a known key/],
    ] as const) {
      const { code, error } = await run(['plan', 'plan.json'], wanted);
      assert.equal(code, 1);
      assert.match(error, sentence);
    }
  });

  it('says what to set without credentials or region', async () => {
    const { AWS_REGION: _region, ...noRegion } = local.environment;
    await refuses(plan('ovens', '5.0.0'), /no region is set/, /Set AWS_REGION/, noRegion);
    const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _key, ...noKeys } = local.environment;
    await refuses(plan('ovens', '5.0.0'), /there are no AWS credentials/, /Sign in/, noKeys);
  });

  it('names the missing permission, whichever call is denied, and goes on where it stopped', async () => {
    const wanted: RolloutPlan = plan('ovens', '5.0.0');
    for (const [operation, permission] of [
      ['DescribeThingGroup', 'iot:DescribeThingGroup'],
      ['ListThingsInThingGroup', 'iot:ListThingsInThingGroup'],
      ['ListDeployments', 'greengrass:ListDeployments'],
      ['DescribeComponent', 'greengrass:DescribeComponent'],
      ['ListCoreDevices', 'greengrass:ListCoreDevices'],
      ['GetIndexingConfiguration', 'iot:GetIndexingConfiguration'],
      ['CreateDeployment', 'greengrass:CreateDeployment'],
      ['AddThingToThingGroup', 'iot:AddThingToThingGroup'],
    ] as const) {
      local.setHook((call) => (call.operation === operation ? 'deny' : undefined));
      const { code, error } = await run(['apply', 'plan.json', '--yes'], wanted);
      assert.equal(code, 1, operation);
      assert.match(
        error,
        new RegExp(`for want of ${permission}\\n.*Give the caller the permission ${permission}`),
      );
    }
    local.setHook(undefined);
    const { code, error } = await run(['apply', 'plan.json', '--yes', '--poll-seconds', '0.05'], wanted);
    assert.equal(code, 0, error);
    assert.deepEqual(new Set(devices.map((one) => one.version())), new Set(['5.0.0']));
  });
});
