import { join } from '../../disk/mod.js';
import {
  partitionOf,
  silentLogger,
  type Clock,
  type JsonObject,
  type Logger,
  type Random,
} from '../../core/mod.js';
import { systemClock, systemRandom } from '../../system/mod.js';
import {
  createIotBroker,
  type ComponentStore,
  type DeviceCredentials,
  type IotCore,
  type Profile,
} from '../nucleus/mod.js';
import { Tags, type Account } from './aws/account.js';
import { Components } from './aws/components.js';
import { Deployments, type Device } from './aws/deployments.js';
import type { ServiceName } from './aws/services.js';
import { endpointOperations } from './aws/endpoint-operations.js';
import { FleetIndex } from './aws/fleet-index.js';
import { greengrassOperations } from './aws/greengrass-operations.js';
import { AwsHttpServer, type BoundOperation, type CallHook } from './aws/http.js';
import { indexOperations } from './aws/index-operations.js';
import { registryOperations } from './aws/iot-operations.js';
import { jobOperations } from './aws/job-operations.js';
import { Certificates } from './aws/certificates.js';
import { Gate } from './aws/gate.js';
import { GREENGRASS_LIMITS } from './aws/greengrass-limits.js';
import { greengrassNeeds } from './aws/greengrass-needs.js';
import { IOT_DATA_LIMITS, IOT_LIMITS } from './aws/iot-limits.js';
import { IOT_DATA_NEEDS, IOT_NEEDS } from './aws/iot-needs.js';
import { KmsKeys } from './aws/kms-keys.js';
import { KMS_LIMITS } from './aws/kms-limits.js';
import { kmsNeeds, kmsOperations } from './aws/kms-operations.js';
import { roleAliasOperations } from './aws/role-alias-operations.js';
import { RoleAliases } from './aws/role-aliases.js';
import { shadowOperations } from './aws/shadow-operations.js';
import { Shadows } from './aws/shadows.js';
import { STS_NEEDS } from './aws/sts-needs.js';
import { stsOperations } from './aws/sts-operations.js';
import { ThingRegistry } from './aws/things.js';
import { downloadArtifact } from './artifact-download.js';
import { ADMINISTRATOR, Identities, type AccessKeys, type NeedListener } from './iam/mod.js';
import { startLocalS3, type LocalS3 } from './s3/mod.js';

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
  /** Hears of each right that is needed, of users, roles and certificates. */
  readonly onNeed?: NeedListener;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** Greengrass V2, IoT, shadows, fleet index, KMS, STS and S3 on this machine. */
export interface LocalCloud extends AsyncDisposable {
  readonly region: string;
  readonly accountId: string;
  /** For Greengrass V2, IoT, IoT data, KMS and STS. */
  readonly endpoint: string;
  readonly s3: LocalS3;
  /** What makes any AWS SDK, gdk and this project's commands talk to it; the keys open nothing else. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of the account's administrator; other users and roles come from `iam`. */
  readonly credentials: AccessKeys;
  readonly iam: Identities;
  /** What it has of each service, by the service model's names. */
  readonly operations: readonly { readonly service: ServiceName; readonly name: string }[];
  /** Calls so far by operation. */
  readonly calls: ReadonlyMap<string, number>;
  /** What is published, without anybody's rights. */
  readonly store: Pick<ComponentStore, 'versions' | 'recipe'>;
  readonly registry: ThingRegistry;
  readonly deployments: Deployments;
  setHook(hook: CallHook | undefined): void;
  /** A call without HTTP, by the service model's names, for property runs by the thousand. */
  invoke(service: ServiceName, operation: string, input: Record<string, unknown>): Promise<unknown>;
  /** Connects a device to its thing: it gets deployments from now on. @returns disconnects it */
  attach(thingName: string, device: Device): () => void;
  /** An IoT policy for the certificates of all things: without one they may neither publish nor have keys. */
  attachPolicy(document: JsonObject): void;
  /** MQTT for one nucleus, as its policies allow it: its shadow updates reach the shadow store and the index. */
  iotCore(thingName: string): IotCore;
  /** What a nucleus's token exchange hands to its components: keys of the role behind the alias. */
  deviceCredentials(thingName: string, roleAlias: string): Promise<DeviceCredentials>;
  /** Where a nucleus installs from, with the keys of its own role. */
  storeFor(credentials: () => Promise<DeviceCredentials>, profile?: Profile): ComponentStore;
  close(): Promise<void>;
}

const ACCOUNT_ID = '123456789012';

/**
 * Starts the cloud's counterpart for development and tests, on 127.0.0.1. It answers as AWS does for the
 * operations that this project calls: it refuses what AWS's service model refuses, checks signatures and evaluates
 * policies. It is no cloud: no certificates, no durability but S3's folder.
 */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const random = options.random ?? systemRandom;
  const account: Account = {
    region: options.region ?? 'us-east-1',
    id: ACCOUNT_ID,
    clock: options.clock ?? systemClock,
    random,
  };
  const partition = partitionOf(account.region).name;
  const iam = new Identities({ id: account.id, partition, clock: account.clock, onNeed: options.onNeed });
  const credentials = iam.createUser('local', [ADMINISTRATOR]);
  const s3 = await startLocalS3({
    folder: join(options.folder, 's3'),
    credentials: (accessKeyId) => iam.keys(accessKeyId),
    refusal: (accessKeyId, needs) => iam.refusal(accessKeyId, needs),
    accountId: account.id,
    region: account.region,
    buckets: options.buckets ?? [],
  });
  const place = { endpoint: '' };
  const address = (): string => new URL(place.endpoint).host;
  const services = makeServices(account, iam, credentials.accessKeyId, s3, { ...options, address });
  const { registry, deployments, components, shadows, certificates, operations, gate } = services;
  const server = new AwsHttpServer(operations, gate, options.hook);
  const endpoint = `http://127.0.0.1:${await server.listen(options.port ?? 0)}`;
  place.endpoint = endpoint;
  const broker = createIotBroker();
  const close = async (): Promise<void> => {
    await server.close();
    await s3.close();
  };
  return {
    region: account.region,
    accountId: account.id,
    endpoint,
    s3,
    credentials,
    environment: environmentOf(account, credentials, endpoint, s3),
    operations: operations.map(({ operation: { service, name } }) => ({ service, name })),
    calls: server.calls,
    iam,
    store: components.store(() => Promise.reject(new Error('This store is read without keys'))),
    registry,
    deployments,
    setHook: (hook) => server.setHook(hook),
    invoke: (service, operation, input) => server.invoke(service, operation, input),
    attach: (thingName, device) => deployments.attach(registry.thing(thingName), device),
    attachPolicy: (document) => certificates.attachPolicy(document),
    iotCore: (thing) => certificates.mqtt(thing, iotCoreOf(shadows, broker)),
    deviceCredentials: async (thing, roleAlias) => certificates.credentials(thing, roleAlias),
    storeFor: (of, profile = 'nucleus') => {
      const source = { endpoint: s3.endpoint, region: account.region, profile, credentials: of };
      return components.store((uri, destination) => downloadArtifact(source, uri, destination));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Services {
  readonly registry: ThingRegistry;
  readonly deployments: Deployments;
  readonly components: Components;
  readonly shadows: Shadows;
  readonly certificates: Certificates;
  readonly operations: readonly BoundOperation[];
  readonly gate: Gate;
}

function makeServices(
  account: Account,
  iam: Identities,
  owner: string,
  s3: LocalS3,
  options: LocalCloudOptions & { readonly address: () => string },
): Services {
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
  const aliases = new RoleAliases();
  const keys = new KmsKeys(account);
  const operations = [
    ...greengrassOperations({ account, iam, tags, components, deployments, registry }),
    ...registryOperations(registry, tags),
    ...roleAliasOperations(account, aliases),
    ...jobOperations(account, deployments),
    ...indexOperations(new FleetIndex(registry, shadows)),
    ...shadowOperations(shadows, account.clock),
    ...endpointOperations(options.address),
    ...stsOperations(account, iam, owner),
    ...kmsOperations(keys),
  ];
  const gate = new Gate(account, iam, {
    greengrassv2: {
      limits: GREENGRASS_LIMITS,
      needs: greengrassNeeds({
        targetOf: (id) => deployments.byId.get(id)?.request.targetArn,
        componentOf: (recipe) => components.nameIn(recipe),
      }),
    },
    iot: { limits: IOT_LIMITS, needs: IOT_NEEDS },
    iotdataplane: { limits: IOT_DATA_LIMITS, needs: IOT_DATA_NEEDS },
    sts: { needs: STS_NEEDS },
    kms: { limits: KMS_LIMITS, needs: kmsNeeds(keys) },
  });
  const certificates = new Certificates(account, iam, aliases);
  return { registry, deployments, components, shadows, certificates, operations, gate };
}

function environmentOf(
  { region }: Account,
  { accessKeyId, secretAccessKey }: AccessKeys,
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
