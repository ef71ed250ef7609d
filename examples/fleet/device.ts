import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalCloud } from '../../src/local/cloud/mod.js';
import {
  removeNucleusRoot,
  startNucleus,
  type ComponentStatus,
  type DeploymentDocument,
  type DeploymentResult,
  type DeviceCredentials,
} from '../../src/local/nucleus/mod.js';

/** A deployment that a device got, and how it ended. */
export interface Delivered {
  readonly document: DeploymentDocument;
  readonly result: DeploymentResult;
}

/** One core device: a nucleus that is connected to the cloud as a thing. */
export interface FleetDevice extends AsyncDisposable {
  readonly thing: string;
  readonly rootPath: string;
  /** Oldest first. */
  readonly delivered: readonly Delivered[];
  component(name: string): ComponentStatus | undefined;
}

/**
 * Starts a nucleus of its own root and connects it: it gets the deployments of its thing's groups from now on.
 * @param roleAlias whose role it downloads artifacts and uploads captures with
 */
export async function startDevice(cloud: LocalCloud, thing: string, roleAlias: string): Promise<FleetDevice> {
  // A unix socket's path must be short.
  const rootPath = await mkdtemp(join(tmpdir(), 'gg-'));
  const credentials = (): Promise<DeviceCredentials> => cloud.deviceCredentials(thing, roleAlias);
  const nucleus = await startNucleus({
    rootPath,
    profile: 'nucleus',
    thingName: thing,
    region: cloud.region,
    store: cloud.storeFor(credentials),
    iotCore: cloud.iotCore(thing),
    credentials,
  });
  const delivered: Delivered[] = [];
  const disconnect = cloud.attach(thing, {
    installed: () => nucleus.components(),
    deploy: async (document) => {
      const result = await nucleus.deploy(document);
      delivered.push({ document, result });
      return result;
    },
  });
  return {
    thing,
    rootPath,
    delivered,
    component: (name) => nucleus.components().find((one) => one.name === name),
    [Symbol.asyncDispose]: async () => {
      disconnect();
      await nucleus.close();
      await removeNucleusRoot(rootPath);
    },
  };
}
