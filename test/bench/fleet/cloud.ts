import { GreengrassV2 } from '@aws-sdk/client-greengrassv2';
import { answerParent } from '../../../examples/floors/child.js';
import { heartbeatTopic } from '../../../src/contract/mod.js';
import type { Clock } from '../../../src/core/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import {
  ADMINISTRATOR,
  startLocalCloud,
  type Device,
  type LocalCloud,
} from '../../../src/local/cloud/mod.js';
import { heartbeatPayload, heartbeatReport } from '../../../src/telemetry/mod.js';
import {
  FLEET,
  FROM,
  heartbeatOf,
  MODEL_COMPONENT,
  TO,
  type CloudAnswer,
  type CloudQuestion,
} from './simulated.js';

/** A minute of a job's rate passes in 50 ms: 100,000 devices at 1,000 a minute would take the bench 100 minutes. */
const TIMES_FASTER = 1200;
const fast: Clock = {
  ...systemClock,
  after: (ms, callback, options) => systemClock.after(ms / TIMES_FASTER, callback, options),
};

const [count = '0', folder = ''] = process.argv.slice(2);
const local = await startLocalCloud({ folder, componentDelayMs: 0, clock: fast });
local.attachPolicy(ADMINISTRATOR);
await publish(local);
local.registry.createGroup(FLEET, '');
for (let index = 0; index < Number(count); index++) await addDevice(local, `camera-${index}`);

let before = new Map(local.calls);
answerParent<CloudQuestion, CloudAnswer>((question) => {
  if (question.kind === 'address')
    return Promise.resolve({ endpoint: local.endpoint, environment: local.environment });
  const since = [...local.calls].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)] as const);
  before = new Map(local.calls);
  return Promise.resolve(new Map(since.filter(([, calls]) => calls > 0)));
});

async function publish(cloud: LocalCloud): Promise<void> {
  const { region, endpoint, credentials } = cloud;
  const greengrass = new GreengrassV2({ region, endpoint, credentials });
  for (const version of [FROM, TO]) {
    const recipe = {
      RecipeFormatVersion: '2020-01-25',
      ComponentName: MODEL_COMPONENT,
      ComponentVersion: version,
      Manifests: [{ Platform: { os: '*' }, Lifecycle: { run: 'true' } }],
    };
    await greengrass.createComponentVersion({ inlineRecipe: Buffer.from(JSON.stringify(recipe)) });
  }
  greengrass.destroy();
}

/** A device that does what it is told, and says so by its heartbeat. */
async function addDevice(cloud: LocalCloud, thing: string): Promise<void> {
  cloud.registry.createThing(thing);
  cloud.registry.join(FLEET, thing);
  const iot = cloud.iotCore(thing);
  const beat = (version: string): Promise<void> =>
    iot.publish(
      heartbeatTopic(thing),
      heartbeatPayload(heartbeatReport(heartbeatOf(thing, version), systemClock.wallMs(), 60)),
    );
  await beat(FROM);
  const device: Device = {
    deploy: async ({ deploymentId, components }) => {
      await beat(components[MODEL_COMPONENT]?.componentVersion ?? FROM);
      return { deploymentId, status: 'SUCCEEDED', detailedStatus: 'SUCCESSFUL', reason: '' };
    },
  };
  cloud.attach(thing, device);
}
