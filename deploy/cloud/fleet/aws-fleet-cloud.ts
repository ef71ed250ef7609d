import { GreengrassV2 } from '@aws-sdk/client-greengrassv2';
import { IoT } from '@aws-sdk/client-iot';
import { IoTDataPlane } from '@aws-sdk/client-iot-data-plane';
import { clientConfig, type AwsOptions } from '../aws/mod.js';
import { AwsDeployments } from './aws-deployments.js';
import { AwsFleetIndex } from './aws-fleet-index.js';
import { AwsJobs } from './aws-jobs.js';
import { AwsRoleAliases } from './aws-role-aliases.js';
import { AwsShadows } from './aws-shadows.js';
import { AwsThingGroups } from './aws-thing-groups.js';
import { AwsThings } from './aws-things.js';
import type { FleetCloud } from './fleet-cloud.js';

export interface AwsFleetCloudOptions extends AwsOptions {
  /** Attempts at a call that is throttled or meets a lost connection. Default 10: about a minute in all. */
  readonly maxAttempts?: number;
}

/** The port over AWS's own clients; a local cloud is AWS with another endpoint. */
export function awsFleetCloud(options: AwsFleetCloudOptions = {}): FleetCloud & { close(): void } {
  const configFor = (service: string) => ({
    ...clientConfig(options, service),
    maxAttempts: options.maxAttempts ?? 10,
  });
  const iot = new IoT(configFor('IOT'));
  const greengrass = new GreengrassV2(configFor('GREENGRASSV2'));
  const data = new IoTDataPlane(configFor('IOT_DATA_PLANE'));
  return {
    ...fleetCloudOver({ iot, greengrass, data }, options.region ?? process.env['AWS_REGION']),
    close: () => {
      for (const client of [iot, greengrass, data]) client.destroy();
    },
  };
}

/** The port over clients that somebody else made and ends. */
export function fleetCloudOver(
  { iot, greengrass, data }: { iot: IoT; greengrass: GreengrassV2; data: IoTDataPlane },
  region: string | undefined,
): FleetCloud {
  return {
    ...bound(new AwsThingGroups(iot)),
    ...bound(new AwsThings(iot)),
    ...bound(new AwsDeployments(greengrass, region)),
    ...bound(new AwsJobs(iot)),
    ...bound(new AwsFleetIndex(iot)),
    ...bound(new AwsShadows(data)),
    ...bound(new AwsRoleAliases(iot)),
  };
}

/** A class's methods as functions of one object. */
function bound<T extends object>(instance: T): { [K in keyof T]: T[K] } {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(instance) as object).filter(
    (name) => name !== 'constructor',
  );
  return Object.fromEntries(
    methods.map((name) => [
      name,
      (instance[name as keyof T] as (...all: unknown[]) => unknown).bind(instance),
    ]),
  ) as { [K in keyof T]: T[K] };
}
