import type { JsonObject } from '../../src/core/mod.js';
import type { ComponentSet } from './component-set.js';

export type DeploymentState = 'ACTIVE' | 'COMPLETED' | 'CANCELED' | 'FAILED' | 'INACTIVE';

/** A deployment as Greengrass keeps it. */
export interface DeploymentRecord {
  readonly id: string;
  readonly name: string;
  readonly targetArn: string;
  readonly revision: number;
  readonly state: DeploymentState;
  readonly jobId: string;
  readonly createdAtMs: number;
  readonly components: ComponentSet;
  readonly tags: Readonly<Record<string, string>>;
}

export interface DeploymentSummary {
  readonly id: string;
  readonly name: string;
  readonly revision: number;
  readonly state: DeploymentState;
  readonly createdAtMs: number;
}

/** What bounds a job: all three are always set. */
export interface JobLimits {
  readonly maximumPerMinute: number;
  readonly abort: { readonly thresholdPercentage: number; readonly minNumberOfExecutedThings: number };
  readonly timeoutMinutes: number;
}

export interface NewDeployment {
  readonly targetArn: string;
  readonly parentTargetArn?: string;
  readonly name: string;
  readonly components: ComponentSet;
  readonly limits: JobLimits;
  readonly rollbackOnFailure: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** Equal tokens make one deployment, however often it is asked for. */
  readonly clientToken: string;
}

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

export interface ComponentVersionRecord {
  readonly state: string;
  /** Of each manifest, as its recipe has it: `os`, `architecture`, `runtime`. */
  readonly platforms: readonly Readonly<Record<string, string>>[];
}

export interface CoreDeviceRecord {
  readonly thing: string;
  /** `os`, `architecture`, `runtime`, as far as the device has told. */
  readonly platform: Readonly<Record<string, string>>;
}

export interface IndexedThing {
  readonly name: string;
  readonly connected: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * What fleets, rollouts and reports ask of AWS: each method is one operation or one paged list. Errors are
 * EdgeErrors; what does not exist is undefined. Throttling is retried by the adapter.
 */
export interface FleetCloud {
  groupArn(name: string): Promise<string | undefined>;
  createGroup(name: string, description: string, tags: Readonly<Record<string, string>>): Promise<string>;
  tagGroup(arn: string, tags: Readonly<Record<string, string>>): Promise<void>;
  groupTags(arn: string): Promise<Readonly<Record<string, string>>>;
  thingsIn(group: string): Promise<readonly string[]>;
  groupsOf(thing: string): Promise<readonly string[]>;
  join(group: string, thing: string): Promise<void>;
  leave(group: string, thing: string): Promise<void>;
  thing(name: string): Promise<Readonly<Record<string, string>> | undefined>;
  createThing(name: string, attributes: Readonly<Record<string, string>>): Promise<void>;
  setAttributes(name: string, attributes: Readonly<Record<string, string>>): Promise<void>;

  /** Newest first; without components and tags. */
  deployments(targetArn: string, limit: number): Promise<readonly DeploymentSummary[]>;
  deployment(id: string): Promise<DeploymentRecord>;
  createDeployment(request: NewDeployment): Promise<string>;
  cancelDeployment(id: string): Promise<void>;
  tagDeployment(id: string, tags: Readonly<Record<string, string>>): Promise<void>;
  /** Undefined: this account has no such version. */
  componentVersion(name: string, version: string): Promise<ComponentVersionRecord | undefined>;
  /** What the core devices of a thing group run on; devices that have never connected are not among them. */
  coreDevices(groupArn: string, limit: number): Promise<readonly CoreDeviceRecord[]>;

  jobCounts(jobId: string): Promise<JobCounts>;
  /** Things that a job has not finished with. */
  openThings(jobId: string): Promise<readonly string[]>;
  failedDevices(jobId: string, limit: number): Promise<readonly FailedDevice[]>;

  indexedFields(): Promise<readonly string[] | undefined>;
  indexFields(
    names: readonly { readonly name: string; readonly type: 'String' | 'Number' }[],
    shadow: string,
  ): Promise<void>;
  count(query: string): Promise<number>;
  /** Of a number field, over the things that have it; undefined where none has. */
  sum(query: string, field: string): Promise<number | undefined>;
  buckets(
    query: string,
    field: string,
    max: number,
  ): Promise<readonly { readonly key: string; readonly count: number }[]>;
  percentiles(
    query: string,
    field: string,
    percents: readonly number[],
  ): Promise<readonly { readonly percent: number; readonly value: number }[]>;
  search(query: string, limit: number): Promise<readonly IndexedThing[]>;
  /** `state.reported` of a named shadow. */
  reported(thing: string, shadow: string): Promise<JsonObject | undefined>;
}
