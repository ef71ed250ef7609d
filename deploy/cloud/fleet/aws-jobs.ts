import type { IoT, JobExecutionStatus } from '@aws-sdk/client-iot';
import { doing, paged } from '../aws/mod.js';
import type { FailedDevice, JobCounts, Jobs } from './jobs.js';

const FAILED_STATES: readonly JobExecutionStatus[] = ['FAILED', 'TIMED_OUT', 'REJECTED'];

export class AwsJobs implements Jobs {
  readonly #iot: IoT;

  constructor(iot: IoT) {
    this.#iot = iot;
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
    if (limit <= 0) return [];
    return doing(`Cannot list the devices of the job ${jobId}`, () =>
      paged(
        (nextToken) => this.#iot.listJobExecutionsForJob({ jobId, status, maxResults: 250, nextToken }),
        ({ executionSummaries = [] }) =>
          executionSummaries.map(({ thingArn = '' }) => thingArn.slice(thingArn.indexOf('/') + 1)),
        limit,
      ),
    );
  }
}
