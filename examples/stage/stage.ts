import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { fleetNamed, fleetPolicies, parseFleets } from '../../deploy/fleet/mod.js';
import { AGENT_COMPONENT, UPLOADER_COMPONENT } from '../../src/contract/mod.js';
import { createLogger, type JsonObject } from '../../src/core/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { makeLocalCredentials } from '../../src/local/cloud/mod.js';
import { startLocalS3, type LocalS3 } from '../../src/local/cloud/s3/mod.js';
import {
  folderStore,
  removeNucleusRoot,
  startNucleus,
  type DeploymentResult,
  type FolderStore,
  type Nucleus,
  type Profile,
  type WantedComponent,
} from '../../src/local/nucleus/mod.js';
import { buildCodeComponents, COMPONENT_VERSION } from './builds.js';
import { makeSigningKey, packageExample, type PackagedModel, type SigningKey } from './models.js';
import { quietSdk } from '../../src/net/mod.js';

export const BUCKET = 'edge-manager-captures';
const FLEET = 'demo-fleet';
const THING = 'demo-device';
export const AGENT = AGENT_COMPONENT;
export const UPLOADER = UPLOADER_COMPONENT;
const REGION = 'eu-west-1';
export const CAPTURE_FOLDER = 'sme-capture';

export interface StageOptions {
  readonly profile: Profile;
  /** Where S3's data, packages and builds stay; default a temporary folder that goes with the stage. */
  readonly folder?: string;
  /** Merged over the agent's configuration. */
  readonly agent?: JsonObject;
  /** PATH of the components' scripts; default: where this process's Node is, then the system's. */
  readonly path?: string;
  readonly progress?: (text: string) => void;
}

/** One device and a cloud on this machine: nucleus, S3, credentials, built components, and a deployment to add to. */
export interface Stage extends AsyncDisposable {
  readonly nucleus: Nucleus;
  readonly s3: LocalS3;
  readonly s3Client: S3Client;
  readonly key: SigningKey;
  /** Below which objects appear. */
  readonly capturePrefix: string;
  readonly folder: string;
  readonly store: FolderStore;
  /** Packages and signs one of examples/models and puts it into the store. */
  addModel(example: string, options?: { skipSelfTest?: boolean; version?: string }): Promise<PackagedModel>;
  /** Deploys what the device has, with these components put in (undefined: taken out). */
  deploy(changes: Readonly<Record<string, WantedComponent | undefined>>): Promise<DeploymentResult>;
  close(): Promise<void>;
}

export async function startStage(options: StageOptions): Promise<Stage> {
  const progress = options.progress ?? (() => undefined);
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'edge-stage-')));
  await mkdir(folder, { recursive: true });
  // The socket's path must be short, wherever the data is.
  const rootPath = await mkdtemp(join(tmpdir(), 'gg-'));
  // The device has the rights of its role; whoever looks at the bucket has keys of his own.
  const credentials = makeLocalCredentials(systemClock, deviceRole());
  const owner = makeLocalCredentials(systemClock);
  const s3 = await startLocalS3({
    folder: join(folder, 's3'),
    credentials: [credentials.keys, owner.keys],
    refusal: credentials.refusal,
    buckets: [BUCKET],
    region: REGION,
  });
  const store = await folderStore(
    ...(await buildCodeComponents(options.profile === 'lite' ? 'plain' : 'zip', progress)),
  );
  progress(`starting a Greengrass ${options.profile === 'lite' ? 'nucleus lite' : 'nucleus'}`);
  const nucleus = await startNucleus({
    rootPath,
    profile: options.profile,
    thingName: THING,
    region: REGION,
    store,
    ...(options.path === undefined ? {} : { path: options.path }),
    credentials: credentials.forDevice,
    logger: createLogger(
      () => undefined,
      () => systemClock.wallMs(),
      'error',
    ),
  });
  quietSdk();
  const s3Client = new S3Client({
    endpoint: s3.endpoint,
    region: REGION,
    forcePathStyle: true,
    credentials: owner.keys,
  });
  const key = makeSigningKey();
  const wanted: Record<string, WantedComponent> = {
    [AGENT]: {
      componentVersion: COMPONENT_VERSION,
      configurationUpdate: { merge: agentConfiguration(key, options.agent) },
    },
    [UPLOADER]: {
      componentVersion: COMPONENT_VERSION,
      configurationUpdate: { merge: uploaderConfiguration(s3) },
    },
  };
  let deployments = 0;
  const close = async (): Promise<void> => {
    await nucleus.close();
    s3Client.destroy();
    await s3.close();
    await removeNucleusRoot(rootPath);
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  return {
    nucleus,
    s3,
    s3Client,
    key,
    folder,
    store,
    capturePrefix: `${CAPTURE_FOLDER}/${FLEET}/`,
    addModel: async (example, modelOptions) => {
      const model = await packageExample(example, join(folder, 'models'), key, modelOptions);
      await store.add({ path: model.path });
      return model;
    },
    deploy: async (changes) => {
      for (const [name, component] of Object.entries(changes)) {
        if (component === undefined) delete wanted[name];
        else wanted[name] = component;
      }
      return await nucleus.deploy({ deploymentId: `stage-${deployments++}`, components: { ...wanted } });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** As `fleet apply --policies` writes it for this one fleet. */
function deviceRole(): JsonObject {
  const output = { s3OutputLocation: `s3://${BUCKET}/${CAPTURE_FOLDER}` };
  const fleet = fleetNamed(parseFleets({ fleets: { [FLEET]: { output } } }), FLEET);
  const policies = fleetPolicies(fleet, `arn:aws:iot:${REGION}:123456789012:thinggroup/${FLEET}`);
  const role = policies.find(({ name }) => name === 'device-role-policy');
  if (role === undefined) throw new Error('The fleet has no role policy');
  return role.document;
}

/** The agent as demonstrations have it: signed packages only, everything captured, a short probation. */
export function agentConfiguration(key: SigningKey, over: JsonObject = {}): JsonObject {
  return {
    fleet: FLEET,
    signature: { policy: 'required', trustedKeys: [key.publicPem] },
    capture: {
      policies: [{ type: 'percentage', percent: 100 }],
      pushPeriodSeconds: 1,
      folderPrefix: CAPTURE_FOLDER,
    },
    // A demonstration is over before the usual five minutes.
    probation: { durationSeconds: 5, requests: 50 },
    ...over,
  };
}

/** The uploader against a local S3. */
export function uploaderConfiguration(s3: LocalS3, region = REGION): JsonObject {
  return {
    bucket: BUCKET,
    region,
    endpoint: s3.endpoint,
    forcePathStyle: true,
    // One device alone need not spread its first attempt over a minute, as a fleet does.
    startSpreadSeconds: 0,
    scanPeriodSeconds: 2,
  };
}
