import type { CreateDeploymentRequest, DeploymentIoTJobConfiguration } from '@aws-sdk/client-greengrassv2';

export const EXECUTION_STATES = [
  'QUEUED',
  'IN_PROGRESS',
  'SUCCEEDED',
  'FAILED',
  'TIMED_OUT',
  'REJECTED',
  'REMOVED',
  'CANCELED',
] as const;
export type ExecutionState = (typeof EXECUTION_STATES)[number];

export interface Execution {
  readonly thing: string;
  status: ExecutionState;
  readonly queuedAtMs: number;
  startedAtMs: number | undefined;
  updatedAtMs: number;
  details: Readonly<Record<string, string>>;
}

export type DeploymentStatus = 'ACTIVE' | 'COMPLETED' | 'CANCELED' | 'FAILED' | 'INACTIVE';

/** A deployment and the IoT job that carries it out. */
export class Deployment {
  readonly executions = new Map<string, Execution>();
  readonly counts: Record<ExecutionState, number> = {
    QUEUED: 0,
    IN_PROGRESS: 0,
    SUCCEEDED: 0,
    FAILED: 0,
    TIMED_OUT: 0,
    REJECTED: 0,
    REMOVED: 0,
    CANCELED: 0,
  };
  /** Things that the job has not reached yet, in order. */
  readonly waiting = new Set<string>();
  status: DeploymentStatus = 'ACTIVE';
  isLatest = true;
  /** Notified so far: what the rate and its increase are about. */
  notified = 0;
  ratePerMinute: number;
  completedAtMs: number | undefined;
  readonly id: string;
  readonly arn: string;
  readonly jobId: string;
  readonly jobArn: string;
  readonly revision: number;
  readonly request: CreateDeploymentRequest & { readonly targetArn: string };
  readonly createdAtMs: number;

  constructor(fields: {
    id: string;
    arn: string;
    jobId: string;
    jobArn: string;
    revision: number;
    request: CreateDeploymentRequest & { readonly targetArn: string };
    createdAtMs: number;
  }) {
    this.id = fields.id;
    this.arn = fields.arn;
    this.jobId = fields.jobId;
    this.jobArn = fields.jobArn;
    this.revision = fields.revision;
    this.request = fields.request;
    this.createdAtMs = fields.createdAtMs;
    const rollout = this.configuration.jobExecutionsRolloutConfig;
    this.ratePerMinute = Math.min(
      rollout?.exponentialRate?.baseRatePerMinute ?? Infinity,
      rollout?.maximumPerMinute ?? 1000,
    );
  }

  /** Whether nothing of it is left to be cancelled. */
  get hasEnded(): boolean {
    return this.status === 'COMPLETED' || this.status === 'INACTIVE';
  }

  get configuration(): DeploymentIoTJobConfiguration {
    return this.request.iotJobConfiguration ?? {};
  }

  /** The target whose set this one takes the place of, on its devices. */
  get rootArn(): string {
    return this.request.parentTargetArn ?? this.request.targetArn;
  }

  add(execution: Execution): void {
    this.executions.set(execution.thing, execution);
    this.counts[execution.status] += 1;
  }

  move(execution: Execution, status: ExecutionState, atMs: number): void {
    this.counts[execution.status] -= 1;
    this.counts[status] += 1;
    execution.status = status;
    execution.updatedAtMs = atMs;
  }

  /** Whether its abort criteria say that it must end now. */
  mustAbort(): boolean {
    const { counts } = this;
    const executed = counts.SUCCEEDED + counts.FAILED + counts.TIMED_OUT + counts.REJECTED;
    return (this.configuration.abortConfig?.criteriaList ?? []).some((criterion) => {
      const failed =
        criterion.failureType === 'FAILED'
          ? counts.FAILED
          : criterion.failureType === 'REJECTED'
            ? counts.REJECTED
            : criterion.failureType === 'TIMED_OUT'
              ? counts.TIMED_OUT
              : counts.FAILED + counts.REJECTED + counts.TIMED_OUT;
      return (
        executed >= (criterion.minNumberOfExecutedThings ?? 1) &&
        (100 * failed) / executed >= (criterion.thresholdPercentage ?? 100)
      );
    });
  }

  raiseRate(): void {
    const rate = this.configuration.jobExecutionsRolloutConfig?.exponentialRate;
    if (rate === undefined) return;
    const { numberOfNotifiedThings, numberOfSucceededThings } = rate.rateIncreaseCriteria ?? {};
    const steps =
      numberOfNotifiedThings !== undefined
        ? Math.floor(this.notified / numberOfNotifiedThings)
        : Math.floor(this.counts.SUCCEEDED / (numberOfSucceededThings ?? Infinity));
    const maximum = this.configuration.jobExecutionsRolloutConfig?.maximumPerMinute ?? 1000;
    this.ratePerMinute = Math.min(
      maximum,
      (rate.baseRatePerMinute ?? 1) * (rate.incrementFactor ?? 1) ** steps,
    );
  }
}
