import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { awsFleetCloud, type FleetCloud } from '../../deploy/mod.js';
import {
  applyFleet,
  fleetNamed,
  parseFleets,
  proposeFleets,
  type Fleet,
  type FleetsFile,
} from '../../deploy/fleet/mod.js';
import { indexHeartbeats } from '../../deploy/report/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { startLocalCloud, type LocalCloud } from '../../src/local/cloud/mod.js';
import {
  makeSigningKey,
  type SigningKey,
  agentConfiguration,
  BUCKET,
  CAPTURE_FOLDER,
  setUpAccount,
  uploaderConfiguration,
} from '../stage/mod.js';
import { startDevice, type FleetDevice } from './device.js';
import type { Owned } from './owned.js';
import { FLEET } from './plans.js';
import { ARTIFACT_BUCKET, publishAll } from './publish-all.js';

const ROLE_ALIAS = 'demo-devices';
const DEVICES = ['line-1', 'line-2', 'line-3'] as const;

/** A cloud, a fleet of devices in one thing group, and all that is published for it. */
export interface FleetStage {
  readonly local: LocalCloud;
  readonly cloud: FleetCloud;
  readonly fleet: Fleet;
  readonly groupArn: string;
  readonly devices: readonly FleetDevice[];
}

/** Everything up to the first deployment. Whatever was started, even when starting fails midway, ends with `owned`. */
export async function startFleetStage(
  owned: Owned,
  progress: (text: string) => void,
  given?: string,
): Promise<FleetStage> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'edge-fleet-')));
  await mkdir(folder, { recursive: true });
  if (given === undefined) owned.defer(() => rm(folder, { recursive: true, force: true }));
  const local = owned.use(await startLocalCloud({ folder, buckets: [ARTIFACT_BUCKET, BUCKET] }));
  const { region, endpoint } = local;
  progress(`local cloud at ${endpoint}, S3 at ${local.s3.endpoint}, data in ${folder}`);
  const key = makeSigningKey();
  const fleet = fleetNamed(parseFleets(fleetsFile(local, key)), FLEET);
  const credentials = await setUpAccount(local, fleet);
  const cloud = awsFleetCloud({ region, endpoint, credentials });
  owned.defer(() => cloud.close());
  progress(`fleet apply: ${FLEET} with ${DEVICES.join(', ')}`);
  const groupArn = await createFleet(cloud, fleet);
  await publishAll(local, credentials, folder, key, progress);
  const devices: FleetDevice[] = [];
  // All at once: each waits some seconds for what does not end by itself.
  owned.defer(() => Promise.all(devices.map((device) => device[Symbol.asyncDispose]())));
  for (const thing of DEVICES) {
    progress(`starting the nucleus of ${thing}`);
    devices.push(await startDevice(local, thing, ROLE_ALIAS));
  }
  return { local, cloud, fleet, groupArn, devices };
}

/** What fleets.yaml says. */
function fleetsFile(local: LocalCloud, key: SigningKey): FleetsFile {
  const { fleet: _fleet, ...agent } = agentConfiguration(key);
  return {
    fleets: {
      [FLEET]: {
        description: 'Devices of the demonstration',
        createThings: true,
        roleAlias: ROLE_ALIAS,
        output: { s3OutputLocation: `s3://${BUCKET}/${CAPTURE_FOLDER}` },
        artifactBucket: ARTIFACT_BUCKET,
        devices: [...DEVICES],
        agent,
        uploader: uploaderConfiguration(local.s3, local.region),
      },
    },
  };
}

/** `fleet apply`: things, registrations, thing group; and the index that gates and reports read. */
async function createFleet(cloud: FleetCloud, fleet: Fleet): Promise<string> {
  await indexHeartbeats(cloud);
  const [proposal] = await proposeFleets(cloud, [fleet], systemClock);
  if (proposal === undefined) throw new Error('There is no fleet to apply');
  return (await applyFleet(cloud, proposal)).groupArn;
}
