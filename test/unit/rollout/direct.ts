import type { GreengrassV2 } from '@aws-sdk/client-greengrassv2';
import type { IoT } from '@aws-sdk/client-iot';
import type { IoTDataPlane } from '@aws-sdk/client-iot-data-plane';
import { fleetCloudOver, type FleetCloud } from '../../../deploy/cloud/fleet/mod.js';
import { ConnectionCut, type LocalCloud, type ServiceName } from '../../../src/local/cloud/mod.js';

/** The shipped adapter on a local cloud in this process: no HTTP, no signatures, no waits between attempts. */
export function directFleetCloud(local: LocalCloud, maxAttempts: number): FleetCloud {
  const client = (service: ServiceName): unknown =>
    new Proxy(
      {},
      {
        get: (_target, method) => (input: Record<string, unknown>) =>
          withAttempts(maxAttempts, () => local.invoke(service, operationName(String(method)), input)),
      },
    );
  const clients = {
    iot: client('iot') as IoT,
    greengrass: client('greengrassv2') as GreengrassV2,
    data: client('iotdataplane') as IoTDataPlane,
  };
  return fleetCloudOver(clients, local.region);
}

function operationName(method: string): string {
  return method.slice(0, 1).toUpperCase() + method.slice(1);
}

/** As AWS's clients do: throttling and lost connections are tried again, what the service refuses is not. */
async function withAttempts(most: number, call: () => Promise<unknown>): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const passes =
        error instanceof ConnectionCut || (error instanceof Error && error.name === 'ThrottlingException');
      if (!passes || attempt === most) throw error;
    }
  }
}
