import type { ComponentDeploymentSpecification, GreengrassV2 } from '@aws-sdk/client-greengrassv2';
import type { IoT, JobExecutionStatus } from '@aws-sdk/client-iot';
import { canonicalJson, EdgeError, isJsonObject, type JsonObject } from '../../src/core/mod.js';
import type { ComponentSet, DeployedComponent } from './component-set.js';
import { isMissing } from './aws-errors.js';
import { doing } from './aws-things.js';
import type {
  ComponentVersionRecord,
  CoreDeviceRecord,
  DeploymentRecord,
  DeploymentSummary,
  FailedDevice,
  JobCounts,
  NewDeployment,
} from './fleet-cloud.js';

const FAILED_STATES: readonly JobExecutionStatus[] = ['FAILED', 'TIMED_OUT', 'REJECTED'];

/** Greengrass deployments and the IoT jobs behind them. */
export class AwsDeployments {
  readonly #greengrass: GreengrassV2;
  readonly #iot: IoT;
  readonly #region: string | undefined;
  /** `arn:partition` and account, learned from the first target: a component's ARN needs them. */
  #place: { partition: string; region: string; account: string } | undefined;

  constructor(greengrass: GreengrassV2, iot: IoT, region: string | undefined) {
    this.#greengrass = greengrass;
    this.#iot = iot;
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
        tags: { ...request.tags },
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
    return doing(`Cannot read the component ${name} ${version}`, async () => {
      try {
        const found = await this.#greengrass.describeComponent({
          arn: this.#arn(`components:${name}:versions:${version}`),
        });
        return {
          state: found.status?.componentState ?? 'REQUESTED',
          platforms: (found.platforms ?? []).map(({ attributes = {} }) => attributes),
        };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  async coreDevices(groupArn: string, limit: number): Promise<readonly CoreDeviceRecord[]> {
    return doing(`Cannot list the core devices of ${groupArn}`, async () => {
      const devices: CoreDeviceRecord[] = [];
      let nextToken: string | undefined;
      do {
        const found = await this.#greengrass.listCoreDevices({
          thingGroupArn: groupArn,
          maxResults: Math.min(100, limit - devices.length),
          nextToken,
        });
        for (const {
          coreDeviceThingName: thing = '',
          platform,
          architecture,
          runtime,
        } of found.coreDevices ?? [])
          devices.push({ thing, platform: defined({ os: platform, architecture, runtime }) });
        nextToken = found.nextToken;
      } while (nextToken !== undefined && devices.length < limit);
      return devices;
    });
  }

  async jobCounts(jobId: string): Promise<JobCounts> {
    return doing(`Cannot read the job ${jobId}`, async () => {
      const details = (await this.#iot.describeJob({ jobId })).job?.jobProcessDetails ?? {};
      return {
        queued: details.numberOfQueuedThings ?? 0,
        inProgress: details.numberOfInProgressThings ?? 0,
        succeeded: details.numberOfSucceededThings ?? 0,
        failed: details.numberOfFailedThings ?? 0,
        timedOut: details.numberOfTimedOutThings ?? 0,
        rejected: details.numberOfRejectedThings ?? 0,
        canceled: details.numberOfCanceledThings ?? 0,
      };
    });
  }

  async openThings(jobId: string): Promise<readonly string[]> {
    const lists = await Promise.all(
      (['QUEUED', 'IN_PROGRESS'] as const).map((status) => this.#things(jobId, status, Infinity)),
    );
    return lists.flat();
  }

  async failedDevices(jobId: string, limit: number): Promise<readonly FailedDevice[]> {
    const devices: FailedDevice[] = [];
    for (const status of FAILED_STATES) {
      for (const thing of await this.#things(jobId, status, limit - devices.length)) {
        const { execution } = await doing(`Cannot read how ${thing} failed`, () =>
          this.#iot.describeJobExecution({ jobId, thingName: thing }),
        );
        const details = execution?.statusDetails?.detailsMap ?? {};
        devices.push({
          thing,
          status,
          reason: details['deployment-failure-cause'] ?? details['detailed-deployment-status'] ?? '',
        });
      }
    }
    return devices;
  }

  async #things(jobId: string, status: JobExecutionStatus, limit: number): Promise<readonly string[]> {
    return doing(`Cannot list the devices of the job ${jobId}`, async () => {
      const names: string[] = [];
      let nextToken: string | undefined;
      while (names.length < limit) {
        const found = await this.#iot.listJobExecutionsForJob({ jobId, status, maxResults: 250, nextToken });
        names.push(
          ...(found.executionSummaries ?? []).map(({ thingArn = '' }) =>
            thingArn.slice(thingArn.indexOf('/') + 1),
          ),
        );
        nextToken = found.nextToken;
        if (nextToken === undefined) break;
      }
      return names.slice(0, limit);
    });
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

function readComponents(
  components: Readonly<Record<string, ComponentDeploymentSpecification>>,
): ComponentSet {
  return Object.fromEntries(Object.entries(components).map(([name, one]) => [name, readComponent(one)]));
}

function readComponent(one: ComponentDeploymentSpecification): DeployedComponent {
  const { reset, merge } = one.configurationUpdate ?? {};
  const parsed: unknown = merge === undefined || merge === '' ? undefined : JSON.parse(merge);
  const update = {
    ...(reset === undefined || reset.length === 0 ? {} : { reset }),
    ...(isJsonObject(parsed) ? { merge: parsed } : {}),
  };
  return {
    componentVersion: one.componentVersion ?? '',
    ...(Object.keys(update).length === 0 ? {} : { configurationUpdate: update }),
    ...(one.runWith === undefined ? {} : { runWith: JSON.parse(JSON.stringify(one.runWith)) as JsonObject }),
  };
}

function writeComponents(set: ComponentSet): Record<string, ComponentDeploymentSpecification> {
  return Object.fromEntries(
    Object.entries(set).map(([name, { componentVersion, configurationUpdate, runWith }]) => [
      name,
      {
        componentVersion,
        ...(configurationUpdate === undefined
          ? {}
          : {
              configurationUpdate: {
                ...(configurationUpdate.reset === undefined ? {} : { reset: [...configurationUpdate.reset] }),
                ...(configurationUpdate.merge === undefined
                  ? {}
                  : { merge: canonicalJson(configurationUpdate.merge) }),
              },
            }),
        ...(runWith === undefined ? {} : { runWith }),
      },
    ]),
  );
}
