import {
  EdgeError,
  messageOf,
  SerialQueue,
  toEdgeError,
  type JsonObject,
  type Logger,
} from '../../core/mod.js';
import type { DeploymentDocument, DeploymentResult, Profile } from './api/mod.js';
import { changedLeaves } from './configuration.js';
import type { ConfigurationStore } from './configuration-store.js';
import type { Deployed } from './definition.js';
import { checkDocument } from './deployment-document.js';
import { planDeployment, type PlanStep } from './plan.js';
import { Service } from './service.js';
import type { Services } from './services.js';
import { planned, type PreparedTarget, type Target } from './target.js';
import type { UpdateGate } from './update-gate.js';
import type { ValidationGate } from './validation-gate.js';

export interface DeployerOptions {
  readonly profile: Profile;
  /** A local deployment, which asks no component whether it may begin, whatever its policy. */
  readonly isLocal: boolean;
  readonly services: Services;
  readonly configurations: ConfigurationStore;
  readonly gate: UpdateGate;
  readonly validation: ValidationGate;
  readonly logger: Logger;
  /** Aborts when the nucleus closes. */
  readonly closing: AbortSignal;
  /** Does what may fail without a change: the device is as before. */
  readonly prepare: (document: DeploymentDocument) => Promise<PreparedTarget>;
  /** Called after each change of what is deployed. */
  readonly save: () => Promise<void>;
  /** Called when a deployment went well: versions that are out of use may go. */
  readonly clean: () => Promise<void>;
}

const DEFAULT_NOTIFY_TIMEOUT_S = 60;
const DEFAULT_VALIDATION_TIMEOUT_S = 20;
/** Lite asks the cloud for what no local recipe offers, which takes its time. */
const LITE_CLOUD_MS = 4_000;

type Failed = (detailedStatus: DeploymentResult['detailedStatus'], reason: string) => DeploymentResult;

/** Carries out deployments, one after the other. */
export class Deployer {
  readonly #options: DeployerOptions;
  readonly #turns = new SerialQueue();

  constructor(options: DeployerOptions) {
    this.#options = options;
  }

  async deploy(document: DeploymentDocument): Promise<DeploymentResult> {
    return await this.#turns.run(() => this.#safely(document));
  }

  /** Resolves when nothing is queued any more. */
  async idle(): Promise<void> {
    await this.#turns.idle();
  }

  /** A full disk or the like must not end the queue. */
  async #safely(document: DeploymentDocument): Promise<DeploymentResult> {
    const { deploymentId } = document;
    const failed: Failed = (detailedStatus, reason) => {
      this.#options.logger.warn('Deployment failed', { deploymentId, detailedStatus, reason });
      return { deploymentId, status: 'FAILED', detailedStatus, reason };
    };
    try {
      return await this.#carryOut(document, failed);
    } catch (error) {
      return failed('FAILED_UNABLE_TO_ROLLBACK', messageOf(error));
    }
  }

  async #carryOut(document: DeploymentDocument, failed: Failed): Promise<DeploymentResult> {
    const { deploymentId } = document;
    const { closing, prepare, gate, profile, services, isLocal } = this.#options;
    let target: PreparedTarget;
    try {
      if (closing.aborted) throw new EdgeError('CLOSED', 'The nucleus is closed');
      checkDocument(document);
    } catch (error) {
      return failed('REJECTED', messageOf(error));
    }
    try {
      target = await prepare(document);
    } catch (error) {
      if (profile === 'lite' && isUnresolved(error)) await services.clock.sleep(LITE_CLOUD_MS, closing);
      return failed('FAILED_NO_STATE_CHANGE', messageOf(error));
    }
    const invalid = await this.#invalid(document, target());
    if (invalid !== undefined) return failed('FAILED_NO_STATE_CHANGE', invalid);
    const { action = 'NOTIFY_COMPONENTS', timeoutInSeconds = DEFAULT_NOTIFY_TIMEOUT_S } =
      document.componentUpdatePolicy ?? {};
    const isAsked = profile === 'nucleus' && !isLocal && action === 'NOTIFY_COMPONENTS';
    if (isAsked) await gate.ask(deploymentId, timeoutInSeconds * 1000, closing);
    const result = await this.#change(document, target(), failed);
    if (isAsked) gate.announceEnd(deploymentId);
    return result;
  }

  /** A component is asked where its configuration changes and its version does not. */
  async #invalid(document: DeploymentDocument, target: Target): Promise<string | undefined> {
    const { profile, services, configurations, validation, closing } = this.#options;
    if (profile === 'lite') return undefined;
    const changed = target.components.flatMap(({ name, version }): [string, JsonObject][] => {
      const wanted = target.configurations[name] ?? {};
      const isKept = services.get(name)?.definition.version === version;
      return isKept && changedLeaves(configurations.get(name), wanted).length > 0 ? [[name, wanted]] : [];
    });
    const { timeoutInSeconds = DEFAULT_VALIDATION_TIMEOUT_S } = document.configurationValidationPolicy ?? {};
    const limits = { timeoutMs: timeoutInSeconds * 1000, signal: closing };
    return await validation.ask(document.deploymentId, new Map(changed), limits);
  }

  async #change(document: DeploymentDocument, target: Target, failed: Failed): Promise<DeploymentResult> {
    const { profile, closing, clean, save, services, configurations } = this.#options;
    const before: Target = {
      components: services.all().map(({ definition }) => definition),
      configurations: configurations.snapshot(),
    };
    const configured = new Set(
      Object.entries(document.components).flatMap(([name, { configurationUpdate }]) =>
        configurationUpdate === undefined ? [] : [name],
      ),
    );
    const reason = await this.#apply(target, configured);
    await save();
    if (reason === undefined) {
      await clean();
      return {
        deploymentId: document.deploymentId,
        status: 'SUCCEEDED',
        detailedStatus: 'SUCCESSFUL',
        reason: '',
      };
    }
    const isPutBack = profile === 'nucleus' && document.failureHandlingPolicy !== 'DO_NOTHING';
    if (!isPutBack || closing.aborted) return failed('FAILED_ROLLBACK_NOT_REQUESTED', reason);
    const second = await this.#apply(before, new Set());
    await save();
    return second === undefined
      ? failed('FAILED_ROLLBACK_COMPLETE', reason)
      : failed('FAILED_UNABLE_TO_ROLLBACK', `${reason}; the rollback failed too: ${second}`);
  }

  /** @returns why it failed, as a sentence */
  async #apply(target: Target, configured: ReadonlySet<string>): Promise<string | undefined> {
    const { services, profile } = this.#options;
    const wanted = new Map(target.components.map((component) => [component.name, component]));
    const steps = planDeployment({
      profile,
      present: services.all().map(({ definition, state, isSettled }) => ({
        ...planned(definition),
        isBroken: state === 'BROKEN',
        isSettled,
      })),
      wanted: target.components.map(planned),
      configured,
    });
    const started = new Set(steps.flatMap((step) => (step.kind === 'start' ? [step.name] : [])));
    for (const [name, component] of wanted) {
      const service = services.get(name);
      if (service !== undefined && !started.has(name)) service.definition = component;
    }
    try {
      for (const step of steps) await this.#execute(step, target, wanted);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async #execute(step: PlanStep, target: Target, wanted: ReadonlyMap<string, Deployed>): Promise<void> {
    const { services, configurations } = this.#options;
    switch (step.kind) {
      case 'configure':
        for (const { name } of target.components) configurations.set(name, target.configurations[name] ?? {});
        return;
      case 'install':
        return this.#install(componentOf(step.name, wanted));
      case 'stop':
        return services.get(step.name)?.stop();
      case 'remove':
        services.delete(step.name);
        return configurations.delete(step.name);
      case 'start':
        return this.#start(componentOf(step.name, wanted), step.install);
      case 'rerun':
        return this.#rerun(step.name);
      case 'await':
        return this.#untilUp(step.names);
    }
  }

  #start(component: Deployed, install: boolean): void {
    const { services } = this.#options;
    let service = services.get(component.name);
    if (service === undefined) {
      service = new Service(component, services);
      services.add(service);
    }
    service.definition = component;
    service.start({ install });
  }

  /** lite's install units run beside the old version, under the new version's definition. */
  async #install(component: Deployed): Promise<void> {
    const { services, closing } = this.#options;
    const service = new Service(component, services);
    if (!(await service.installUnit(closing))) throw this.#failure(service);
  }

  async #rerun(name: string): Promise<void> {
    const service = this.#options.services.get(name);
    if (service !== undefined && !(await service.runStartupAgain())) throw this.#failure(service);
  }

  async #untilUp(names: readonly string[]): Promise<void> {
    const { services, closing } = this.#options;
    const broken = await services.untilUp(names, closing);
    if (broken !== undefined) throw this.#failure(broken);
    if (closing.aborted) {
      throw new EdgeError('CLOSED', 'The nucleus was closed before all components were up');
    }
  }

  /** The Java nucleus tells AWS no more than this: why it is so stands on the device only. */
  #failure({ name, definition, reason }: Service): EdgeError {
    const { services, logger } = this.#options;
    const why = `The component ${name} ${definition.version} is broken as ${reason}: see logs/${name}.log`;
    logger.warn(why);
    const told = services.profile === 'nucleus' ? `Service ${name} in broken state after deployment` : why;
    return new EdgeError('COMPONENT_BROKEN', told);
  }
}

function isUnresolved(error: unknown): boolean {
  const { reason } = toEdgeError(error);
  return reason === 'COMPONENT_NOT_FOUND' || reason === 'DEPENDENCIES_UNMET';
}

function componentOf(name: string, wanted: ReadonlyMap<string, Deployed>): Deployed {
  const component = wanted.get(name);
  if (component === undefined) throw new EdgeError('INTERNAL', `The plan names ${name}, which is not wanted`);
  return component;
}
