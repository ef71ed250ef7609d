import type { GreengrassV2 } from '@aws-sdk/client-greengrassv2';
import { EdgeError } from '../../../src/core/mod.js';
import { doing, orMissing, paged, tagsOf } from '../aws/mod.js';
import { readComponents, writeComponents } from './aws-component-set.js';
import type { DeploymentRecord, Deployments, DeploymentSummary, NewDeployment } from './deployments.js';
import type { ComponentVersionRecord, CoreDeviceRecord, Platforms } from './platforms.js';

/** What Greengrass itself knows: deployments, component versions, core devices. */
export class AwsDeployments implements Deployments, Platforms {
  readonly #greengrass: GreengrassV2;
  readonly #region: string | undefined;
  /** `arn:partition` and account, learned from the first target: a component's ARN needs them. */
  #place: { partition: string; region: string; account: string } | undefined;

  constructor(greengrass: GreengrassV2, region: string | undefined) {
    this.#greengrass = greengrass;
    this.#region = region;
  }

  async deployments(targetArn: string, limit: number): Promise<readonly DeploymentSummary[]> {
    this.#learn(targetArn);
    return doing(`Cannot list the deployments of ${targetArn}`, async () => {
      const found = await this.#greengrass.listDeployments({
        targetArn,
        historyFilter: 'ALL',
        maxResults: Math.min(limit, 100),
      });
      return (found.deployments ?? [])
        .map((one) => ({
          id: one.deploymentId ?? '',
          name: one.deploymentName ?? '',
          revision: Number(one.revisionId ?? 0),
          state: one.deploymentStatus ?? 'ACTIVE',
          createdAtMs: one.creationTimestamp?.getTime() ?? 0,
        }))
        .sort((a, b) => b.revision - a.revision);
    });
  }

  async deployment(id: string): Promise<DeploymentRecord> {
    return doing(`Cannot read the deployment ${id}`, async () => {
      const found = await this.#greengrass.getDeployment({ deploymentId: id });
      return {
        id,
        name: found.deploymentName ?? '',
        targetArn: found.targetArn ?? '',
        revision: Number(found.revisionId ?? 0),
        state: found.deploymentStatus ?? 'ACTIVE',
        jobId: found.iotJobId ?? '',
        createdAtMs: found.creationTimestamp?.getTime() ?? 0,
        components: readComponents(found.components ?? {}),
        tags: found.tags ?? {},
      };
    });
  }

  async createDeployment(request: NewDeployment): Promise<string> {
    return doing(`Cannot create the deployment ${request.name}`, async () => {
      const { limits } = request;
      const made = await this.#greengrass.createDeployment({
        targetArn: request.targetArn,
        ...(request.parentTargetArn === undefined ? {} : { parentTargetArn: request.parentTargetArn }),
        deploymentName: request.name,
        components: writeComponents(request.components),
        deploymentPolicies: {
          failureHandlingPolicy: request.rollbackOnFailure ? 'ROLLBACK' : 'DO_NOTHING',
          componentUpdatePolicy: { action: 'NOTIFY_COMPONENTS', timeoutInSeconds: 60 },
        },
        iotJobConfiguration: {
          jobExecutionsRolloutConfig: { maximumPerMinute: limits.maximumPerMinute },
          abortConfig: {
            criteriaList: [
              {
                failureType: 'ALL',
                action: 'CANCEL',
                thresholdPercentage: limits.abort.thresholdPercentage,
                minNumberOfExecutedThings: limits.abort.minNumberOfExecutedThings,
              },
            ],
          },
          timeoutConfig: { inProgressTimeoutInMinutes: limits.timeoutMinutes },
        },
        ...tagsOf(request.tags),
        clientToken: request.clientToken,
      });
      return made.deploymentId ?? '';
    });
  }

  async cancelDeployment(id: string): Promise<void> {
    await doing(`Cannot cancel the deployment ${id}`, async () => {
      try {
        await this.#greengrass.cancelDeployment({ deploymentId: id });
      } catch (error) {
        if (!(error instanceof Error && error.name === 'ConflictException')) throw error;
        // Finished meanwhile, so that nothing is left to cancel, or just being changed by somebody else.
        const { deploymentStatus } = await this.#greengrass.getDeployment({ deploymentId: id });
        if (deploymentStatus === 'ACTIVE') throw error;
      }
    });
  }

  async tagDeployment(id: string, tags: Readonly<Record<string, string>>): Promise<void> {
    await doing(`Cannot tag the deployment ${id}`, () =>
      this.#greengrass.tagResource({ resourceArn: this.#arn(`deployments:${id}`), tags: { ...tags } }),
    );
  }

  async componentVersion(name: string, version: string): Promise<ComponentVersionRecord | undefined> {
    return orMissing(`Cannot read the component ${name} ${version}`, async () => {
      const found = await this.#greengrass.describeComponent({
        arn: this.#arn(`components:${name}:versions:${version}`),
      });
      return {
        state: found.status?.componentState ?? 'REQUESTED',
        platforms: (found.platforms ?? []).map(({ attributes = {} }) => attributes),
      };
    });
  }

  async coreDevices(groupArn: string, limit: number): Promise<readonly CoreDeviceRecord[]> {
    return doing(`Cannot list the core devices of ${groupArn}`, () =>
      paged(
        (nextToken, missing) =>
          this.#greengrass.listCoreDevices({
            thingGroupArn: groupArn,
            maxResults: Math.min(100, missing),
            nextToken,
          }),
        ({ coreDevices = [] }) =>
          coreDevices.map(({ coreDeviceThingName: thing = '', platform, architecture, runtime }) => ({
            thing,
            platform: defined({ os: platform, architecture, runtime }),
          })),
        limit,
      ),
    );
  }

  #learn(arn: string): void {
    const parts = arn.split(':');
    this.#place = { partition: parts[1] ?? 'aws', region: parts[3] ?? '', account: parts[4] ?? '' };
  }

  #arn(resource: string): string {
    if (this.#place === undefined) {
      throw new EdgeError('INTERNAL', 'Cannot name a Greengrass resource before a target was read');
    }
    const { partition, region, account } = this.#place;
    return `arn:${partition}:greengrass:${region === '' ? (this.#region ?? '') : region}:${account}:${resource}`;
  }
}

function defined(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => (entry[1] ?? '') !== ''),
  );
}
