import * as api from '@aws-sdk/client-greengrassv2';
import type { Tags } from './account.js';
import { on } from './bind.js';
import type { Deployments } from './deployments.js';
import { notFound } from './errors.js';
import type { BoundOperation } from './http.js';
import type { ExecutionState } from './job.js';
import { page } from './page.js';
import type { Thing, ThingRegistry } from './things.js';

const SERVICE = 'greengrassv2';

export interface CoreParts {
  readonly tags: Tags;
  readonly deployments: Deployments;
  readonly registry: ThingRegistry;
}

function platformOf({ platform }: Thing): Pick<api.CoreDevice, 'platform' | 'architecture' | 'runtime'> {
  return { platform: platform['os'], architecture: platform['architecture'], runtime: platform['runtime'] };
}

const EFFECTIVE: Readonly<Record<ExecutionState, api.EffectiveDeploymentExecutionStatus>> = {
  QUEUED: 'QUEUED',
  IN_PROGRESS: 'IN_PROGRESS',
  SUCCEEDED: 'SUCCEEDED',
  FAILED: 'FAILED',
  TIMED_OUT: 'TIMED_OUT',
  REJECTED: 'REJECTED',
  REMOVED: 'CANCELED',
  CANCELED: 'CANCELED',
};

/** Core devices: what Greengrass knows of them, and what runs on them. */
export function coreOperations({ registry, deployments, tags }: CoreParts): BoundOperation[] {
  const cores = (group?: string) =>
    [...registry.things.values()].filter(
      (thing) =>
        (thing.connectedSinceMs !== undefined || thing.disconnectedAtMs !== undefined) &&
        (group === undefined || registry.arnsOf(thing).includes(group)),
    );
  const coreNamed = (name: string): Thing => {
    const found = cores().find((one) => one.name === name);
    if (found === undefined) throw notFound(SERVICE, 'Core device', name);
    return found;
  };
  return [
    on(api.GetCoreDevice$, (input: api.GetCoreDeviceRequest) => {
      const thing = coreNamed(input.coreDeviceThingName ?? '');
      return {
        coreDeviceThingName: thing.name,
        coreVersion: '2.15.0',
        ...platformOf(thing),
        status: 'HEALTHY' as const,
        lastStatusUpdateTimestamp: new Date(thing.connectedSinceMs ?? thing.disconnectedAtMs ?? 0),
        tags: tags.of(thing.arn),
      };
    }),
    on(api.ListCoreDevices$, (input: api.ListCoreDevicesRequest) => {
      const { items, nextToken } = page(
        SERVICE,
        cores(input.thingGroupArn).filter(
          ({ platform }) =>
            input.status !== 'UNHEALTHY' &&
            (input.runtime === undefined || platform['runtime'] === input.runtime),
        ),
        input.maxResults,
        input.nextToken,
      );
      return {
        coreDevices: items.map((thing) => ({
          coreDeviceThingName: thing.name,
          ...platformOf(thing),
          status: 'HEALTHY' as const,
          lastStatusUpdateTimestamp: new Date(thing.connectedSinceMs ?? thing.disconnectedAtMs ?? 0),
        })),
        nextToken,
      };
    }),
    on(api.ListInstalledComponents$, (input: api.ListInstalledComponentsRequest) => {
      const name = input.coreDeviceThingName ?? '';
      coreNamed(name);
      const all = deployments
        .installed(name)
        .filter(({ isRoot }) => input.topologyFilter === 'ALL' || isRoot);
      const { items, nextToken } = page(SERVICE, all, input.maxResults, input.nextToken);
      return {
        installedComponents: items.map((one) => ({
          componentName: one.name,
          componentVersion: one.version,
          lifecycleState: one.state,
          isRoot: one.isRoot,
        })),
        nextToken,
      };
    }),
    on(api.ListEffectiveDeployments$, (input: api.ListEffectiveDeploymentsRequest) => {
      const name = input.coreDeviceThingName ?? '';
      coreNamed(name);
      const all = deployments.list().flatMap((deployment) => {
        const execution = deployment.executions.get(name);
        if (execution === undefined) return [];
        return [
          {
            deploymentId: deployment.id,
            deploymentName: deployment.request.deploymentName ?? '',
            iotJobId: deployment.jobId,
            iotJobArn: deployment.jobArn,
            targetArn: deployment.request.targetArn,
            coreDeviceExecutionStatus: EFFECTIVE[execution.status],
            reason: execution.details['deployment-failure-cause'],
            creationTimestamp: new Date(execution.queuedAtMs),
            modifiedTimestamp: new Date(execution.updatedAtMs),
          },
        ];
      });
      const { items, nextToken } = page(SERVICE, all, input.maxResults, input.nextToken);
      return { effectiveDeployments: [...items], nextToken };
    }),
  ];
}
