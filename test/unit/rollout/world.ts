import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { GreengrassV2 } from '@aws-sdk/client-greengrassv2';
import { awsFleetCloud, type FleetCloud } from '../../../deploy/cloud/fleet/mod.js';
import type { ComponentSet, RolloutPlan } from '../../../deploy/rollout/mod.js';
import type { Clock } from '../../../src/core/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { directFleetCloud } from './direct.js';
import {
  ADMINISTRATOR,
  startLocalCloud,
  type Device,
  type LocalCloud,
} from '../../../src/local/cloud/mod.js';
import type { DeploymentDocument } from '../../../src/local/nucleus/mod.js';

export const MODEL = 'org.edgemanager.model.mnist';

/** Time that does not make tests wait. */
export const eagerClock: Clock = { ...systemClock, sleep: () => setImmediate() };

/** A simulated device: what it has now, and which versions break on it. */
export class FakeDevice implements Device {
  components: DeploymentDocument['components'] = {};
  readonly #breaksOn: (version: string) => boolean;

  constructor(breaksOn: (version: string) => boolean = () => false) {
    this.#breaksOn = breaksOn;
  }

  deploy(document: DeploymentDocument): ReturnType<Device['deploy']> {
    const { deploymentId } = document;
    const broken = Object.entries(document.components).find(
      ([name, one]) => name === MODEL && this.#breaksOn(one.componentVersion),
    );
    if (broken !== undefined) {
      const reason = `${broken[0]} ${broken[1].componentVersion}: the startup step ended with 1`;
      return Promise.resolve({
        deploymentId,
        status: 'FAILED',
        detailedStatus: 'FAILED_ROLLBACK_COMPLETE',
        reason,
      });
    }
    this.components = document.components;
    return Promise.resolve({ deploymentId, status: 'SUCCEEDED', detailedStatus: 'SUCCESSFUL', reason: '' });
  }

  version(name = MODEL): string | undefined {
    return this.components[name]?.componentVersion;
  }
}

export interface World extends AsyncDisposable {
  readonly local: LocalCloud;
  readonly cloud: FleetCloud;
  /** A fleet with devices; its thing group's ARN. */
  fleet(
    name: string,
    devices: number,
    breaksOn?: (version: string) => boolean,
  ): Promise<{ arn: string; devices: Map<string, FakeDevice> }>;
  publish(name: string, ...versions: string[]): Promise<void>;
  /** A deployment as another team makes it: it keeps what it reads. */
  deployAsOthers(arn: string, components: ComponentSet): Promise<void>;
  close(): Promise<void>;
}

/** By HTTP and AWS's own clients, or within this process: the same cloud, some fifty times as fast. */
export async function makeWorld(maxAttempts = 3, by: 'http' | 'calls' = 'http'): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-'));
  const local = await startLocalCloud({ folder, componentDelayMs: 0 });
  local.attachPolicy(ADMINISTRATOR);
  const { region, endpoint, credentials } = local;
  const overHttp = awsFleetCloud({ region, endpoint, credentials, maxAttempts });
  const cloud: FleetCloud = by === 'http' ? overHttp : directFleetCloud(local, maxAttempts);
  const greengrass = new GreengrassV2({ region, endpoint, credentials, maxAttempts });
  const close = async (): Promise<void> => {
    overHttp.close();
    greengrass.destroy();
    await local.close();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    local,
    cloud,
    fleet: async (name, count, breaksOn) => {
      const arn = await cloud.createGroup(name, '', {});
      const devices = new Map<string, FakeDevice>();
      for (let index = 0; index < count; index++) {
        const thing = `${name}-${index}`;
        local.registry.createThing(thing);
        local.registry.join(name, thing);
        const device = new FakeDevice(breaksOn);
        local.attach(thing, device);
        devices.set(thing, device);
      }
      return { arn, devices };
    },
    publish: async (name, ...versions) => {
      for (const version of versions) {
        const recipe = {
          RecipeFormatVersion: '2020-01-25',
          ComponentName: name,
          ComponentVersion: version,
          Manifests: [{ Platform: { os: '*' }, Lifecycle: { run: 'true' } }],
        };
        await greengrass.createComponentVersion({ inlineRecipe: Buffer.from(JSON.stringify(recipe)) });
        while ((await local.store.versions(name)).includes(version) === false) await setImmediate();
      }
    },
    deployAsOthers: async (arn, components) => {
      const [latest] = await cloud.deployments(arn, 5);
      const current = latest === undefined ? {} : (await cloud.deployment(latest.id)).components;
      await cloud.createDeployment({
        targetArn: arn,
        name: 'others',
        components: { ...current, ...components },
        limits: {
          maximumPerMinute: 1000,
          abort: { thresholdPercentage: 100, minNumberOfExecutedThings: 1000 },
          timeoutMinutes: 60,
        },
        rollbackOnFailure: true,
        tags: {},
        clientToken: crypto.randomUUID(),
      });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export function plan(fleet: string, version: string, overrides: Partial<RolloutPlan> = {}): RolloutPlan {
  return {
    fleet,
    components: { [MODEL]: { version, merge: { labels: ['default'] } } },
    stages: [
      { name: 'one', select: { percentage: 20 }, failureHandling: 'ROLLBACK_ON_FAILURE' },
      { name: 'all', select: { percentage: 100 }, failureHandling: 'ROLLBACK_ON_FAILURE' },
    ],
    ratePerMinute: 1000,
    abort: { thresholdPercentage: 50, minNumberOfExecutedThings: 1 },
    timeoutMinutes: 30,
    gate: { minSucceededShare: 1, maxFailedShare: 0, minFinished: 1, soakSeconds: 0, timeoutSeconds: 60 },
    ...overrides,
  };
}
