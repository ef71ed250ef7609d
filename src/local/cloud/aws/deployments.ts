import type { ComponentConfigurationUpdate, CreateDeploymentRequest } from '@aws-sdk/client-greengrassv2';
import { isJsonObject, messageOf, type Logger } from '../../../core/mod.js';
import type { ComponentState, DeploymentDocument, DeploymentResult } from '../../nucleus/mod.js';
import { arnOf, type Account, type Tags } from './account.js';
import type { Components } from './components.js';
import { effectiveSet, documentOf } from './effective-set.js';
import { AwsError, invalid, notFound } from './errors.js';
import { Deployment, type Execution, type ExecutionState } from './job.js';
import type { Thing, ThingRegistry } from './things.js';

/** A component as a device tells of it. */
export interface InstalledPart {
  readonly name: string;
  readonly version: string;
  readonly state: ComponentState;
  readonly isRoot: boolean;
}

/** What the cloud deploys to: a local nucleus, or a simulated one. */
export interface Device {
  /** What its core tells of itself. Default: a nucleus on a machine as this one. */
  readonly platform?: Readonly<Record<string, string>>;
  /** What runs on it now. */
  installed?(): readonly InstalledPart[];
  deploy(document: DeploymentDocument): Promise<DeploymentResult>;
}

interface Attached {
  readonly device: Device;
  /** Deployments run one after the other, as on a core. */
  busy: boolean;
  /** What it took over, by root target: the last successful deployment. */
  readonly applied: Map<string, Deployment>;
}

const MINUTE_MS = 60_000;

/** Deployments and their jobs: who gets what, at which rate, when it ends. */
export class Deployments {
  readonly byId = new Map<string, Deployment>();
  readonly #byJob = new Map<string, Deployment>();
  readonly #byTarget = new Map<string, Deployment[]>();
  readonly #parents = new Map<string, string | undefined>();
  readonly #devices = new Map<string, Attached>();
  readonly #account: Account;
  readonly #registry: ThingRegistry;
  readonly #components: Components;
  readonly #tags: Tags;
  readonly #logger: Logger;

  constructor(account: Account, registry: ThingRegistry, components: Components, tags: Tags, logger: Logger) {
    this.#account = account;
    this.#registry = registry;
    this.#components = components;
    this.#tags = tags;
    this.#logger = logger;
  }

  create(request: CreateDeploymentRequest): Deployment {
    const targetArn = request.targetArn ?? '';
    this.#check(request, targetArn);
    const { random, clock } = this.#account;
    const hex = random.hex(16);
    const id = [8, 4, 4, 4, 12]
      .map((length, index, all) => {
        const start = all.slice(0, index).reduce((sum, value) => sum + value, 0);
        return hex.slice(start, start + length);
      })
      .join('-');
    const former = this.latest(targetArn);
    const deployment = new Deployment({
      id,
      arn: arnOf(this.#account, 'greengrass', `deployments:${id}`),
      jobId: id,
      jobArn: arnOf(this.#account, 'iot', `job/${id}`),
      revision: (former?.revision ?? 0) + 1,
      request: { ...request, targetArn },
      createdAtMs: clock.wallMs(),
    });
    if (former !== undefined) this.#supersede(former);
    this.byId.set(id, deployment);
    this.#byJob.set(deployment.jobId, deployment);
    this.#byTarget.set(targetArn, [...(this.#byTarget.get(targetArn) ?? []), deployment]);
    this.#parents.set(targetArn, request.parentTargetArn);
    this.#tags.set(deployment.arn, request.tags);
    for (const thing of this.#registry.targets(targetArn)) deployment.waiting.add(thing.name);
    this.#roll(deployment);
    return deployment;
  }

  #check(request: CreateDeploymentRequest, targetArn: string): void {
    for (const [field, arn] of Object.entries({ targetArn, parentTargetArn: request.parentTargetArn })) {
      if (arn !== undefined && !arn.startsWith(arnOf(this.#account, 'iot', '')))
        throw invalid(
          'greengrassv2',
          `Invalid Input: ${field} is of another account or region: ${arn}`,
          field,
        );
    }
    const isGroup = targetArn.includes(':thinggroup/');
    const name = targetArn.slice(targetArn.indexOf('/') + 1);
    if (isGroup ? !this.#registry.groups.has(name) : !this.#registry.things.has(name)) {
      throw notFound('greengrassv2', isGroup ? 'Thing group' : 'Thing', targetArn);
    }
    const parent = request.parentTargetArn;
    if (parent !== undefined && (!isGroup || !parent.includes(':thinggroup/'))) {
      throw invalid(
        'greengrassv2',
        'A subdeployment and its parent must target thing groups',
        'parentTargetArn',
      );
    }
    if (this.#parents.has(targetArn) && this.#parents.get(targetArn) !== parent) {
      throw invalid('greengrassv2', 'The target was used with another parent target', 'parentTargetArn');
    }
    for (const [component, { componentVersion, configurationUpdate }] of Object.entries(
      request.components ?? {},
    )) {
      checkUpdate(component, configurationUpdate);
      if (component.startsWith('aws.greengrass.')) continue;
      const known = this.#components.get(component, componentVersion ?? '');
      if (known?.state !== 'DEPLOYABLE') {
        throw invalid(
          'greengrassv2',
          `The component ${component} version ${componentVersion} does not exist or is not deployable`,
          `components.${component}`,
        );
      }
    }
  }

  get(id: string): Deployment {
    const found = this.byId.get(id);
    if (found === undefined) throw notFound('greengrassv2', 'Deployment', id);
    return found;
  }

  job(jobId: string): Deployment {
    const found = this.#byJob.get(jobId);
    if (found === undefined) throw notFound('iot', 'Job', jobId);
    return found;
  }

  /** Newest first. */
  list(targetArn?: string): readonly Deployment[] {
    const all = targetArn === undefined ? [...this.byId.values()] : (this.#byTarget.get(targetArn) ?? []);
    return [...all].reverse();
  }

  latest(targetArn: string): Deployment | undefined {
    return this.#byTarget.get(targetArn)?.at(-1);
  }

  cancel(deployment: Deployment, status: 'CANCELED' | 'FAILED' = 'CANCELED'): void {
    if (deployment.hasEnded) {
      throw new AwsError('ConflictException', 409, `Deployment ${deployment.id} is ${deployment.status}`, {
        resourceId: deployment.id,
        resourceType: 'DEPLOYMENT',
      });
    }
    deployment.status = status;
    this.#endOpen(deployment);
  }

  /** Only what is not active may go; what devices have stays as it is. */
  delete(deployment: Deployment): void {
    if (deployment.status === 'ACTIVE') {
      throw new AwsError('ConflictException', 409, `Deployment ${deployment.id} is active: cancel it first`, {
        resourceId: deployment.id,
        resourceType: 'DEPLOYMENT',
      });
    }
    const { targetArn } = deployment.request;
    this.byId.delete(deployment.id);
    this.#byJob.delete(deployment.jobId);
    this.#byTarget.set(
      targetArn,
      (this.#byTarget.get(targetArn) ?? []).filter((one) => one !== deployment),
    );
  }

  /** What a device has, as it tells or, where it tells nothing, as its deployments have it. */
  installed(thing: string): readonly InstalledPart[] {
    const attached = this.#devices.get(thing);
    if (attached === undefined) return [];
    const told = attached.device.installed?.();
    if (told !== undefined) return told;
    return Object.entries(effectiveSet(attached.applied).components).map(([name, { componentVersion }]) => ({
      name,
      version: componentVersion,
      state: 'RUNNING' as const,
      isRoot: true,
    }));
  }

  #supersede(former: Deployment): void {
    former.isLatest = false;
    if (former.status === 'ACTIVE') this.#endOpen(former);
    former.status = former.status === 'CANCELED' ? 'CANCELED' : 'INACTIVE';
  }

  #endOpen(deployment: Deployment): void {
    deployment.waiting.clear();
    deployment.completedAtMs = this.#account.clock.wallMs();
    for (const execution of deployment.executions.values()) {
      if (execution.status === 'QUEUED') deployment.move(execution, 'CANCELED', this.#account.clock.wallMs());
    }
  }

  /** A thing that joins a group gets what the group has: jobs of thing groups go on. */
  joined(arn: string, thing: string): void {
    const deployment = this.latest(arn);
    if (deployment === undefined || deployment.executions.has(thing)) return;
    if (deployment.status === 'COMPLETED') deployment.status = 'ACTIVE';
    if (deployment.status !== 'ACTIVE') return;
    deployment.waiting.add(thing);
    if (deployment.waiting.size === 1) this.#roll(deployment);
  }

  attach(thing: Thing, device: Device): () => void {
    const attached: Attached = { device, busy: false, applied: new Map() };
    this.#devices.set(thing.name, attached);
    thing.connectedSinceMs = this.#account.clock.wallMs();
    thing.platform = device.platform ?? {
      os: 'linux',
      architecture: process.arch === 'arm64' ? 'aarch64' : 'amd64',
      runtime: 'aws_nucleus_classic',
    };
    void this.#next(thing.name);
    return () => {
      if (this.#devices.get(thing.name) !== attached) return;
      this.#devices.delete(thing.name);
      thing.connectedSinceMs = undefined;
      thing.disconnectedAtMs = this.#account.clock.wallMs();
    };
  }

  /** Notifies as many things as the rate allows, and again each minute while some wait. */
  #roll(deployment: Deployment): void {
    const now = this.#account.clock.wallMs();
    let room = Math.max(1, Math.floor(deployment.ratePerMinute));
    for (const name of deployment.waiting) {
      if (room === 0) break;
      room -= 1;
      deployment.waiting.delete(name);
      deployment.notified += 1;
      if (!this.#registry.things.has(name)) continue;
      deployment.add({
        thing: name,
        status: 'QUEUED',
        queuedAtMs: now,
        startedAtMs: undefined,
        updatedAtMs: now,
        details: {},
      });
      void this.#next(name);
    }
    if (deployment.waiting.size === 0) return;
    deployment.raiseRate();
    this.#account.clock.after(
      MINUTE_MS,
      () => {
        if (deployment.status === 'ACTIVE') this.#roll(deployment);
      },
      { unref: true },
    );
  }

  /** The oldest queued execution of a thing, one after the other. */
  async #next(name: string): Promise<void> {
    const attached = this.#devices.get(name);
    if (attached === undefined || attached.busy) return;
    attached.busy = true;
    try {
      for (;;) {
        // After the loop's last look no await may stand before `busy` is cleared, or a job would be missed.
        const queued = this.#queuedFor(name);
        if (queued === undefined || this.#devices.get(name) !== attached) return;
        await this.#execute(queued.deployment, queued.execution, attached);
      }
    } finally {
      attached.busy = false;
    }
  }

  #queuedFor(name: string): { deployment: Deployment; execution: Execution } | undefined {
    const thing = this.#registry.things.get(name);
    if (thing === undefined) return undefined;
    for (const arn of this.#registry.arnsOf(thing)) {
      const deployment = this.latest(arn);
      const execution = deployment?.executions.get(name);
      if (deployment !== undefined && execution?.status === 'QUEUED') return { deployment, execution };
    }
    return undefined;
  }

  async #execute(deployment: Deployment, execution: Execution, attached: Attached): Promise<void> {
    const { clock } = this.#account;
    deployment.move(execution, 'IN_PROGRESS', clock.wallMs());
    execution.startedAtMs = clock.wallMs();
    const minutes = deployment.configuration.timeoutConfig?.inProgressTimeoutInMinutes;
    const cancelTimeout =
      minutes === undefined
        ? (): void => undefined
        : clock.after(minutes * MINUTE_MS, () => this.#finish(deployment, execution, 'TIMED_OUT', {}), {
            unref: true,
          });
    const result = await this.#deploy(deployment, execution, attached);
    cancelTimeout();
    if (result.status === 'SUCCEEDED') attached.applied.set(deployment.rootArn, deployment);
    const status =
      result.status === 'SUCCEEDED'
        ? 'SUCCEEDED'
        : result.detailedStatus === 'REJECTED'
          ? 'REJECTED'
          : 'FAILED';
    this.#finish(deployment, execution, status, {
      'detailed-deployment-status': result.detailedStatus,
      ...(result.reason === '' ? {} : { 'deployment-failure-cause': result.reason.slice(0, 1024) }),
    });
  }

  async #deploy(deployment: Deployment, execution: Execution, attached: Attached): Promise<DeploymentResult> {
    const thing = this.#registry.thing(execution.thing);
    const arns = new Set(this.#registry.arnsOf(thing));
    const roots = new Map([...attached.applied].filter(([arn]) => arns.has(arn)));
    roots.set(deployment.rootArn, this.#inForce(deployment, arns));
    const { components, conflict } = effectiveSet(roots);
    if (conflict !== undefined) {
      return {
        deploymentId: deployment.id,
        status: 'FAILED',
        detailedStatus: 'FAILED_NO_STATE_CHANGE',
        reason: conflict,
      };
    }
    try {
      return await attached.device.deploy(documentOf(deployment, components));
    } catch (error) {
      this.#logger.warn('A device threw at a deployment', { thing: execution.thing, error });
      return {
        deploymentId: deployment.id,
        status: 'FAILED',
        detailedStatus: 'FAILED_NO_STATE_CHANGE',
        reason: messageOf(error),
      };
    }
  }

  /** A subdeployment of one of the thing's groups takes the place of its parent. */
  #inForce(deployment: Deployment, arns: ReadonlySet<string>): Deployment {
    if (deployment.request.parentTargetArn !== undefined) return deployment;
    for (const arn of arns) {
      const sub = this.latest(arn);
      if (sub?.request.parentTargetArn === deployment.request.targetArn && sub.status !== 'CANCELED')
        return sub;
    }
    return deployment;
  }

  #finish(
    deployment: Deployment,
    execution: Execution,
    status: ExecutionState,
    details: Readonly<Record<string, string>>,
  ): void {
    if (execution.status !== 'IN_PROGRESS') return;
    deployment.move(execution, status, this.#account.clock.wallMs());
    execution.details = details;
    if (deployment.status !== 'ACTIVE') return;
    if (deployment.mustAbort()) return this.cancel(deployment);
    const { QUEUED, IN_PROGRESS } = deployment.counts;
    if (QUEUED + IN_PROGRESS + deployment.waiting.size === 0) deployment.status = 'COMPLETED';
  }
}

/** A merge must be the JSON of an object, and what is reset a list of JSON pointers. */
function checkUpdate(component: string, update: ComponentConfigurationUpdate | undefined): void {
  const field = `components.${component}.configurationUpdate`;
  if (update?.merge !== undefined && !isObjectText(update.merge))
    throw invalid('greengrassv2', `Invalid Input: ${field}.merge is no JSON object`, `${field}.merge`);
  for (const pointer of update?.reset ?? []) {
    if (pointer !== '' && !pointer.startsWith('/'))
      throw invalid('greengrassv2', `Invalid Input: ${pointer} is no JSON pointer`, `${field}.reset`);
  }
}

function isObjectText(text: string): boolean {
  try {
    return isJsonObject(JSON.parse(text) as unknown);
  } catch {
    return false;
  }
}
