import type { ReplyOf, RequestOf } from '../../contract/mod.js';
import { EdgeError, toEdgeError, type Clock, type Logger, type SerialQueues } from '../../core/mod.js';
import { readAnnounced, type Announced } from '../packages/mod.js';
import { admittedDigests, decide, keyOf } from '../plan/mod.js';
import { QUARANTINE_TRIES, refuse, type Registry } from '../registry/mod.js';
import { asRefusal, desire, newRecord, refusedRecord } from './admission-records.js';
import type { AdmissionRules } from './admission-rules.js';
import { isDeviceFault } from './device-faults.js';
import type { Events } from './events.js';
import type { ModelManager } from './model-manager.js';
import { arrivingOf, type PackageKeeper } from './package-keeper.js';
import type { SwitchOver } from './switch-over.js';

export interface RegistrationOptions {
  readonly registry: Registry;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly logger: Logger;
  readonly events: Pick<Events, 'model'>;
  readonly packages: Pick<PackageKeeper, 'holding' | 'keep' | 'drop'>;
  readonly manager: Pick<ModelManager, 'reconcile'>;
  readonly rules: Pick<AdmissionRules, 'check' | 'checkOwner'>;
  readonly switchOver: Pick<SwitchOver, 'perform'>;
  readonly turns: Pick<SerialQueues, 'run'>;
}

type Verdict = ReplyOf<'register'>;
/** The switch, or why it did not come to it and how often a host died of it. */
type Attempt = { readonly switchMs: number } | { readonly error: EdgeError; readonly tries: number };

/**
 * The gate of a model's deployment: verify, copy, load beside the version that serves, run the golden samples,
 * switch. One package of a model at a time. Whatever fails, what served before still serves, and the reason
 * stands in the reply, in describe and in the log.
 */
export class Registration {
  readonly #options: RegistrationOptions;
  /** Admissions under way by digest: a repeated request waits for the same verdict. */
  readonly #underWay = new Map<string, Promise<Verdict>>();

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /**
   * @param caller the component of the reply topic
   * @throws EdgeError where the package is refused; its first verdict then is negative
   */
  async register({ component, path }: RequestOf<'register'>, caller: string): Promise<Verdict> {
    const announced = await readAnnounced(path);
    const { digest, manifest } = announced;
    checkCaller(manifest.componentName, component, caller);
    const known = this.#underWay.get(digest);
    if (known !== undefined) return await known;
    const verdict = this.#options.turns.run(manifest.name, () => this.#decide(announced, component, path));
    this.#underWay.set(digest, verdict);
    try {
      return await verdict;
    } finally {
      this.#underWay.delete(digest);
    }
  }

  async #decide(announced: Announced, component: string, source: string): Promise<Verdict> {
    const { manifest, digest } = announced;
    const model = manifest.name;
    const { registry, logger, rules } = this.#options;
    const foreign = errorOf(() => rules.checkOwner(model, announced));
    if (foreign !== undefined) return this.#turnAway(announced, foreign);
    const arrival = { model, version: manifest.version, digest };
    const decision = decide(registry.state, arrival, () => rules.check(model, announced));
    switch (decision.kind) {
      case 'already':
        await registry.update((state) => desire(state, model, manifest.version));
        return { verdict: 'ALREADY_ADMITTED', ...arrival };
      case 'already-with-warning':
        await registry.update((state) => desire(state, model, manifest.version));
        logger.warn('Package not put in force', {
          model,
          version: manifest.version,
          reason: decision.warning,
        });
        return { verdict: 'ADMITTED_WITH_WARNING', ...arrival, warning: decision.warning };
      case 'refuse':
        return await this.#refuse(announced, component, source, decision.error, 0);
      case 'admit':
        return await this.#admit(announced, component, source, decision.again);
    }
  }

  async #admit(announced: Announced, component: string, source: string, again: boolean): Promise<Verdict> {
    const { manifest, digest } = announced;
    const { packages } = this.#options;
    const arriving = arrivingOf(manifest.name, announced);
    const outcome = await packages.holding(arriving, () => this.#attempt(announced, component, source));
    if ('switchMs' in outcome) {
      const { switchMs } = outcome;
      return { verdict: 'ADMITTED', model: manifest.name, version: manifest.version, digest, switchMs };
    }
    if (again) return this.#warn(announced, outcome.error);
    if (isDeviceFault(outcome.error)) throw await this.#postponed(announced, outcome.error);
    return await this.#refuse(announced, component, source, outcome.error, outcome.tries);
  }

  /** Loads and switches; a second time where the first killed its host. */
  async #attempt(announced: Announced, component: string, source: string): Promise<Attempt> {
    const { registry, packages, switchOver } = this.#options;
    const model = announced.manifest.name;
    const fresh = newRecord(registry.state, model, announced, { component, source });
    let { tries } = fresh;
    try {
      const record = await packages.keep(model, fresh, announced);
      for (;;) {
        try {
          return { switchMs: await switchOver.perform(announced, record) };
        } catch (thrown) {
          if (toEdgeError(thrown).reason !== 'MODEL_HOST_DIED' || ++tries >= QUARANTINE_TRIES) throw thrown;
        }
      }
    } catch (thrown) {
      return { error: toEdgeError(thrown, `Cannot admit ${keyOf(model, fresh.version)}`), tries };
    }
  }

  /**
   * Another component's package leaves no trace in the model's record, so that it can't crowd out what stands there;
   * where an earlier agent admitted it, its deployment goes on.
   */
  #turnAway(announced: Announced, error: EdgeError): Verdict {
    const { registry, logger, events } = this.#options;
    const { name: model, version, componentName: component } = announced.manifest;
    if (admittedDigests(registry.state, model).has(announced.digest)) return this.#warn(announced, error);
    logger.error('Package refused', { model, version, component, code: error.code, reason: error.message });
    events.model({ type: 'REFUSED', model, version, reason: error.message.slice(0, 1900) });
    throw error;
  }

  /** A version that was admitted once is never refused: the operator hears of it, the deployment goes on. */
  #warn({ manifest, digest }: Announced, error: EdgeError): Verdict {
    const { name: model, version } = manifest;
    const warning = `The version that served goes on: ${error.message}`;
    this.#options.logger.error('An admitted package cannot serve again', {
      model,
      version,
      reason: error.message,
    });
    return { verdict: 'ADMITTED_WITH_WARNING', model, version, digest, warning };
  }

  /** The device could not look at the package: nothing is held against it, and whoever asks may ask again. */
  async #postponed({ manifest, digest }: Announced, error: EdgeError): Promise<EdgeError> {
    const { logger, packages, manager } = this.#options;
    const { name: model, version } = manifest;
    logger.error('Package not judged', { model, version, code: error.code, reason: error.message });
    await packages.drop(model, digest);
    manager.reconcile();
    return error;
  }

  async #refuse(
    announced: Announced,
    component: string,
    source: string,
    error: EdgeError,
    tries: number,
  ): Promise<never> {
    const { registry, logger, clock, events, packages, manager } = this.#options;
    const { digest, manifest } = announced;
    const { name: model, version } = manifest;
    logger.error('Package refused', {
      model,
      version,
      digest,
      component,
      code: error.code,
      reason: error.message,
    });
    const reason = error.message.slice(0, 1900);
    const failure = { reason, tries, atMs: clock.wallMs() };
    const record = refusedRecord(announced, { component, source }, failure);
    await registry.update((state) => desire(refuse(state, model, record, reason), model, version));
    await packages.drop(model, digest);
    manager.reconcile();
    events.model({ type: 'REFUSED', model, version, reason });
    if (tries >= QUARANTINE_TRIES) events.model({ type: 'QUARANTINED', model, version, reason });
    throw asRefusal(error);
  }
}

/** A package is registered by the component that brings it, in its own name. */
function checkCaller(owner: string, component: string, caller: string): void {
  const other = [component, caller].find((name) => name !== owner);
  if (other === undefined) return;
  throw new EdgeError(
    'REGISTRATION_FOREIGN',
    `Cannot register the package as it belongs to the component ${owner}: current value is ${other}`,
    { field: 'component', nextStep: `Register it from the startup step of ${owner}` },
  );
}

function errorOf(check: () => void): EdgeError | undefined {
  try {
    check();
    return undefined;
  } catch (thrown) {
    return toEdgeError(thrown);
  }
}
