import * as api from '@aws-sdk/client-iot';
import { on } from './bind.js';
import type { Account } from './account.js';
import { arnOf } from './account.js';
import type { Deployments } from './deployments.js';
import { invalid, notFound } from './errors.js';
import type { BoundOperation } from './http.js';
import type { Deployment } from './job.js';
import { page } from './page.js';

/** The IoT jobs behind deployments. */
export function jobOperations(account: Account, deployments: Deployments): BoundOperation[] {
  return [
    on(api.DescribeJob$, (input: api.DescribeJobRequest) => ({
      job: jobOf(deployments.job(input.jobId ?? '')),
    })),
    on(api.ListJobs$, (input: api.ListJobsRequest) => {
      const group = input.thingGroupName;
      const all = deployments
        .list()
        .map(jobOf)
        .filter(({ status }) => input.status === undefined || status === input.status)
        .filter(
          ({ targetSelection }) =>
            input.targetSelection === undefined || targetSelection === input.targetSelection,
        )
        .filter(
          ({ targets }) =>
            group === undefined || targets?.some((one) => one.endsWith(`:thinggroup/${group}`)),
        );
      const { items, nextToken } = page('iot', all, input.maxResults, input.nextToken, 25);
      return {
        jobs: items.map(({ jobArn, jobId, targetSelection, status, createdAt, lastUpdatedAt }) => ({
          jobArn,
          jobId,
          targetSelection,
          status,
          createdAt,
          lastUpdatedAt,
        })),
        nextToken,
      };
    }),
    on(api.ListJobExecutionsForJob$, (input: api.ListJobExecutionsForJobRequest) => {
      const all = [...deployments.job(input.jobId ?? '').executions.values()].filter(
        (execution) => input.status === undefined || execution.status === input.status,
      );
      const { items, nextToken } = page('iot', all, input.maxResults, input.nextToken);
      return {
        executionSummaries: items.map((execution) => ({
          thingArn: arnOf(account, 'iot', `thing/${execution.thing}`),
          jobExecutionSummary: {
            status: execution.status,
            queuedAt: new Date(execution.queuedAtMs),
            lastUpdatedAt: new Date(execution.updatedAtMs),
            executionNumber: 1,
          },
        })),
        nextToken,
      };
    }),
    on(api.DescribeJobExecution$, (input: api.DescribeJobExecutionRequest) => {
      const job = deployments.job(input.jobId ?? '');
      const execution = job.executions.get(input.thingName ?? '');
      if (execution === undefined)
        throw notFound('iot', 'Job execution', `${input.jobId}/${input.thingName}`);
      return {
        execution: {
          jobId: job.jobId,
          status: execution.status,
          statusDetails: { detailsMap: { ...execution.details } },
          thingArn: arnOf(account, 'iot', `thing/${execution.thing}`),
          queuedAt: new Date(execution.queuedAtMs),
          ...(execution.startedAtMs === undefined ? {} : { startedAt: new Date(execution.startedAtMs) }),
          lastUpdatedAt: new Date(execution.updatedAtMs),
          executionNumber: 1,
          versionNumber: 1,
        },
      };
    }),
    on(api.CancelJob$, (input: api.CancelJobRequest) => {
      const job = deployments.job(input.jobId ?? '');
      if (job.hasEnded) throw invalid('iot', `Job ${job.jobId} is ${job.status} and cannot be canceled`);
      deployments.cancel(job);
      return { jobId: job.jobId, jobArn: job.jobArn };
    }),
  ];
}

function jobOf(deployment: Deployment): api.Job {
  const { counts, status } = deployment;
  return {
    jobArn: deployment.jobArn,
    jobId: deployment.jobId,
    targetSelection: deployment.request.targetArn.includes(':thinggroup/') ? 'CONTINUOUS' : 'SNAPSHOT',
    status: status === 'ACTIVE' || status === 'COMPLETED' ? 'IN_PROGRESS' : 'CANCELED',
    targets: [deployment.request.targetArn],
    createdAt: new Date(deployment.createdAtMs),
    lastUpdatedAt: new Date(deployment.createdAtMs),
    jobProcessDetails: {
      numberOfQueuedThings: counts.QUEUED,
      numberOfInProgressThings: counts.IN_PROGRESS,
      numberOfSucceededThings: counts.SUCCEEDED,
      numberOfFailedThings: counts.FAILED,
      numberOfTimedOutThings: counts.TIMED_OUT,
      numberOfRejectedThings: counts.REJECTED,
      numberOfRemovedThings: counts.REMOVED,
      numberOfCanceledThings: counts.CANCELED,
    },
  };
}
