/** Devices of a job by state. */
export interface JobCounts {
  readonly queued: number;
  readonly inProgress: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly rejected: number;
  readonly canceled: number;
}

export interface FailedDevice {
  readonly thing: string;
  readonly status: string;
  readonly reason: string;
}

/** The IoT jobs behind deployments. */
export interface Jobs {
  jobCounts(jobId: string): Promise<JobCounts>;
  /** Things that a job has not finished with. */
  openThings(jobId: string): Promise<readonly string[]>;
  failedDevices(jobId: string, limit: number): Promise<readonly FailedDevice[]>;
}
