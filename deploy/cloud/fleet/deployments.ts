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

/** Deployments of Greengrass. */
export interface Deployments {
  /** Newest first; without components and tags. */
  deployments(targetArn: string, limit: number): Promise<readonly DeploymentSummary[]>;
  deployment(id: string): Promise<DeploymentRecord>;
  createDeployment(request: NewDeployment): Promise<string>;
  cancelDeployment(id: string): Promise<void>;
  tagDeployment(id: string, tags: Readonly<Record<string, string>>): Promise<void>;
}
