import { join } from '../../disk/mod.js';
import { silentLogger, type Clock, type Logger, type Random } from '../../core/mod.js';
import { systemClock, systemRandom } from '../../system/mod.js';
import {
  createIotBroker,
  type ComponentStore,
  type DeviceCredentials,
  type IotCore,
} from '../nucleus/mod.js';
import { Tags, type Account } from './aws/account.js';
import { Components } from './aws/components.js';
import { Deployments, type Device } from './aws/deployments.js';
import type { ServiceName } from './aws/errors.js';
import { FleetIndex } from './aws/fleet-index.js';
import { greengrassOperations } from './aws/greengrass-operations.js';
import { AwsHttpServer, type BoundOperation, type CallHook } from './aws/http.js';
import { indexOperations } from './aws/index-operations.js';
import { registryOperations } from './aws/iot-operations.js';
import { jobOperations } from './aws/job-operations.js';
import { roleAliasOperations } from './aws/role-alias-operations.js';
import { shadowOperations } from './aws/shadow-operations.js';
import { Shadows } from './aws/shadows.js';
import { stsOperations } from './aws/sts-operations.js';
import { ThingRegistry } from './aws/things.js';
import { makeLocalCredentials } from './credentials.js';
import { startLocalS3, type LocalS3, type S3Credentials } from './s3/mod.js';

export interface LocalCloudOptions {
  /** Where S3 keeps its buckets. All else lives in memory. */
  readonly folder: string;
  readonly region?: string;
  /** Default: any free port. */
  readonly port?: number;
  readonly buckets?: readonly string[];
  /** Until a new component version is DEPLOYABLE. Default 20. */
  readonly componentDelayMs?: number;
  readonly hook?: CallHook;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** Greengrass V2, IoT, shadows, fleet index, STS and S3 on this machine. */
export interface LocalCloud extends AsyncDisposable {
  readonly region: string;
  /** For Greengrass V2, IoT, IoT data and STS. */
  readonly endpoint: string;
  readonly s3: LocalS3;
  /** What makes any AWS SDK, gdk and this project's commands talk to it; the keys open nothing else. */
  readonly environment: Readonly<Record<string, string>>;
  readonly credentials: S3Credentials;
  /** Calls so far by operation. */
  readonly calls: ReadonlyMap<string, number>;
  /** Published components, for nuclei. */
  readonly store: ComponentStore;
  readonly registry: ThingRegistry;
  readonly deployments: Deployments;
  setHook(hook: CallHook | undefined): void;
  /** A call without HTTP, by the service model's names, for property runs by the thousand. */
  invoke(service: ServiceName, operation: string, input: Record<string, unknown>): Promise<unknown>;
  /** Connects a device to its thing: it gets deployments from now on. @returns disconnects it */
  attach(thingName: string, device: Device): () => void;
  /** MQTT for one nucleus: its shadow updates reach the shadow store and the index. */
  iotCore(thingName: string): IotCore;
  /** What a nucleus's token exchange hands to its components: keys of this cloud's S3. */
  deviceCredentials(): Promise<DeviceCredentials>;
  close(): Promise<void>;
}

const ACCOUNT_ID = '123456789012';

/**
 * Starts the cloud's counterpart for development and tests, on 127.0.0.1. It answers as AWS does for the
 * operations that this project calls, and refuses what AWS's service model refuses. It is no cloud: no
 * policies, no certificates, no durability but S3's folder.
 */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const random = options.random ?? systemRandom;
  const account: Account = {
    region: options.region ?? 'us-east-1',
    id: ACCOUNT_ID,
    clock: options.clock ?? systemClock,
    random,
  };
  const credentials: S3Credentials = { accessKeyId: 'local-cloud', secretAccessKey: systemRandom.hex(16) };
  const devices = makeLocalCredentials(account.clock);
  const s3 = await startLocalS3({
    folder: join(options.folder, 's3'),
    credentials: [credentials, devices.keys],
    region: account.region,
    buckets: options.buckets ?? [],
  });
  const { registry, deployments, components, shadows, operations } = makeServices(account, s3, options);
  const server = new AwsHttpServer(operations, options.hook);
  const endpoint = `http://127.0.0.1:${await server.listen(options.port ?? 0)}`;
  const broker = createIotBroker();
  const close = async (): Promise<void> => {
    await server.close();
    await s3.close();
  };
  return {
    region: account.region,
    endpoint,
    s3,
    credentials,
    environment: environmentOf(account, credentials, endpoint, s3),
    calls: server.calls,
    store: components.store(),
    registry,
    deployments,
    setHook: (hook) => server.setHook(hook),
    invoke: (service, operation, input) => server.invoke(service, operation, input),
    attach: (thingName, device) => deployments.attach(registry.thing(thingName), device),
    iotCore: () => iotCoreOf(shadows, broker),
    deviceCredentials: devices.forDevice,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Services {
  readonly registry: ThingRegistry;
  readonly deployments: Deployments;
  readonly components: Components;
  readonly shadows: Shadows;
  readonly operations: readonly BoundOperation[];
}

function makeServices(account: Account, s3: LocalS3, options: LocalCloudOptions): Services {
  const tags = new Tags();
  const shadows = new Shadows(account);
  const components = new Components(
    account,
    tags,
    (bucket, key) => s3.path(bucket, key),
    options.componentDelayMs ?? 20,
  );
  const joined: { listener: (arn: string, thing: string) => void } = { listener: () => undefined };
  const registry = new ThingRegistry(account, (group, thing) => {
    for (const arn of registry.ancestors(group)) joined.listener(arn, thing.name);
  });
  const deployments = new Deployments(account, registry, components, tags, options.logger ?? silentLogger);
  joined.listener = (arn, thing) => deployments.joined(arn, thing);
  const operations = [
    ...greengrassOperations({ account, tags, components, deployments, registry }),
    ...registryOperations(registry, tags),
    ...roleAliasOperations(account),
    ...jobOperations(account, deployments),
    ...indexOperations(new FleetIndex(registry, shadows)),
    ...shadowOperations(shadows),
    ...stsOperations(account),
  ];
  return { registry, deployments, components, shadows, operations };
}

function environmentOf(
  { region }: Account,
  { accessKeyId, secretAccessKey }: S3Credentials,
  endpoint: string,
  s3: LocalS3,
): Readonly<Record<string, string>> {
  return {
    AWS_REGION: region,
    // The SDK for Python reads this one only.
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_S3: s3.endpoint,
  };
}

/** What devices publish goes to the shadows too, as topics of shadows do. */
function iotCoreOf(shadows: Shadows, broker: IotCore): IotCore {
  return {
    publish: async (topic, payload) => {
      shadows.receive(topic, payload);
      await broker.publish(topic, payload);
    },
    subscribe: (filter, listener) => broker.subscribe(filter, listener),
  };
}
