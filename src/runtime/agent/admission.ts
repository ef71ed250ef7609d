import type { ReplyOf, RequestOf } from '../../contract/mod.js';
import { EdgeError, toEdgeError } from '../../core/mod.js';
import { checkAdmission, type Manifest, type PackageSignature } from '../../model/mod.js';
import { readAnnounced, type Announced } from '../packages/mod.js';
import { admittedDigests, decide, keyOf, newestAdmitted } from '../plan/mod.js';
import type { HostedModel } from '../port.js';
import {
  askedBy,
  findModel,
  findVersion,
  promote,
  QUARANTINE_TRIES,
  refuse,
  updateModel,
  type RegistryState,
  type VersionRecord,
} from '../registry/mod.js';
import { AGENT_VERSION, type AgentDependencies } from './context.js';
import type { Events } from './events.js';
import type { ModelManager } from './model-manager.js';
import type { ProbationWatch } from './probation-watch.js';

type Verdict = ReplyOf<'register'>;
/** The switch, or why it did not come to it and how often a host died of it. */
type Attempt = { readonly switchMs: number } | { readonly error: EdgeError; readonly tries: number };

/**
 * The gate of a model's deployment: verify, copy, load beside the version that serves, run the golden samples,
 * switch. One package of a model at a time. Whatever fails, what served before still serves, and the reason
 * stands in the reply, in describe and in the log.
 */
export class Admission {
  readonly #dependencies: AgentDependencies;
  readonly #manager: ModelManager;
  readonly #events: Events;
  readonly #probation: ProbationWatch;
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Admissions under way by digest: a repeated request waits for the same verdict. */
  readonly #underWay = new Map<string, Promise<Verdict>>();

  constructor(
    dependencies: AgentDependencies,
    manager: ModelManager,
    events: Events,
    probation: ProbationWatch,
  ) {
    this.#dependencies = dependencies;
    this.#manager = manager;
    this.#events = events;
    this.#probation = probation;
  }

  /** @throws EdgeError where the package is refused; its first verdict then is negative */
  async register({ component, path }: RequestOf<'register'>): Promise<Verdict> {
    const announced = await readAnnounced(path);
    const { digest, manifest } = announced;
    const known = this.#underWay.get(digest);
    if (known !== undefined) return await known;
    const verdict = this.#inTurn(manifest.name, () => this.#decide(announced, component, path));
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
    const { registry, logger } = this.#dependencies;
    const arrival = { model, version: manifest.version, digest };
    const decision = decide(registry.state, arrival, () =>
      // Signed or not is not known yet: what only a signature allows is checked again when the host has looked.
      this.#check(announced, { state: 'verified', method: 'key', signer: '' }),
    );
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
    const { packages } = this.#manager;
    const outcome = await packages.holding(digest, () => this.#attempt(announced, component, source));
    if ('switchMs' in outcome) {
      const { switchMs } = outcome;
      return { verdict: 'ADMITTED', model: manifest.name, version: manifest.version, digest, switchMs };
    }
    if (again) return this.#warn(announced, outcome.error);
    return await this.#refuse(announced, component, source, outcome.error, outcome.tries);
  }

  /** Loads and switches; a second time where the first killed its host. */
  async #attempt(announced: Announced, component: string, source: string): Promise<Attempt> {
    const { registry } = this.#dependencies;
    const model = announced.manifest.name;
    const fresh = newRecord(registry.state, announced, component, source);
    let { tries } = fresh;
    try {
      const record = await this.#manager.packages.keep(model, fresh);
      for (;;) {
        try {
          return { switchMs: await this.#loadAndSwitch(announced, record) };
        } catch (thrown) {
          if (toEdgeError(thrown).code !== 'UNAVAILABLE' || ++tries >= QUARANTINE_TRIES) throw thrown;
        }
      }
    } catch (thrown) {
      return { error: toEdgeError(thrown, `Cannot admit ${keyOf(model, fresh.version)}`), tries };
    }
  }

  /** A version that was admitted once is never refused: the operator hears of it, the deployment goes on. */
  #warn({ manifest, digest }: Announced, error: EdgeError): Verdict {
    const { name: model, version } = manifest;
    const warning = `The version that served goes on: ${error.message}`;
    this.#dependencies.logger.error('An admitted package cannot serve again', {
      model,
      version,
      reason: error.message,
    });
    return { verdict: 'ADMITTED_WITH_WARNING', model, version, digest, warning };
  }

  async #loadAndSwitch({ manifest }: Announced, record: VersionRecord): Promise<number> {
    const { registry, hosts, configuration, clock } = this.#dependencies;
    const model = manifest.name;
    const before = findModel(registry.state, model);
    const stable = before?.labels['stable'];
    const slot = this.#manager.served.slot(model, record.version);
    await this.#manager.makeRoom(slot, stable === undefined ? undefined : keyOf(model, stable));
    const spec = await this.#manager.specs.forRecord(model, record);
    const hosted = slot.hosted ?? (await hosts.load({ ...spec, runSamples: true }));
    try {
      this.#checkLoaded(manifest, record, hosted);
      this.#logSignatureChange(model, stable, hosted);
      await this.#checkMemory(hosted);
      const startedMs = clock.monotonicMs();
      const { enabled } = configuration.current.probation;
      const { compiledDigest, signature } = hosted.report;
      await registry.update((state) =>
        promote(
          state,
          model,
          {
            ...record,
            signature,
            tries: 0,
            admittedAtMs: clock.wallMs(),
            ...(compiledDigest === undefined ? {} : { compiledDigest }),
          },
          { probation: enabled && stable !== undefined },
        ),
      );
      if (slot.hosted === undefined) this.#manager.served.adopt(slot, hosted);
      slot.retiring = false;
      const switchMs = clock.monotonicMs() - startedMs;
      this.#switched(model, record.version, stable, before?.probationAgainst);
      return Math.round(switchMs * 1000) / 1000;
    } catch (thrown) {
      if (slot.hosted !== hosted) await hosted.unload().catch(() => undefined);
      throw thrown;
    }
  }

  #switched(
    model: string,
    version: string,
    from: string | undefined,
    formerFallback: string | undefined,
  ): void {
    const { registry } = this.#dependencies;
    const replaced = from === undefined || from === version ? undefined : from;
    this.#events.model({ type: 'ADMITTED', model, version });
    this.#events.model({
      type: 'SWITCHED',
      model,
      version,
      ...(replaced === undefined ? {} : { from: replaced }),
    });
    // What nothing would go back to any more finishes its requests and goes.
    const fallback = findModel(registry.state, model)?.probationAgainst;
    for (const former of [replaced, formerFallback]) {
      if (former === undefined || former === version || former === fallback) continue;
      this.#manager.served.slot(model, former).retiring = true;
    }
    // Its counts begin here, with its first request.
    this.#probation.check(model);
    this.#manager.reconcile();
  }

  async #refuse(
    { manifest, digest }: Announced,
    component: string,
    source: string,
    error: EdgeError,
    tries: number,
  ): Promise<never> {
    const { registry, logger, clock } = this.#dependencies;
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
    const record: VersionRecord = {
      version,
      digest,
      packageName: model,
      component,
      source,
      kept: false,
      admitted: false,
      admittedAtMs: clock.wallMs(),
      tries,
      ...(tries >= QUARANTINE_TRIES ? { quarantined: reason } : {}),
    };
    await registry.update((state) => desire(refuse(state, model, record, reason), model, version));
    await this.#manager.packages.drop(model, digest);
    this.#events.model({ type: 'REFUSED', model, version, reason });
    if (tries >= QUARANTINE_TRIES) this.#events.model({ type: 'QUARANTINED', model, version, reason });
    throw asRefusal(error);
  }

  /** What the host read is what was announced, and may serve here by what its signature says. */
  #checkLoaded(manifest: Manifest, record: VersionRecord, { report }: HostedModel): void {
    if (report.digest !== record.digest || report.version !== record.version) {
      throw new EdgeError('FAILED_PRECONDITION', 'Cannot admit the package as it changed while it was read');
    }
    this.#check({ manifest, digest: record.digest }, signatureOf(report.signature));
  }

  #check(announced: Announced, signature: PackageSignature): void {
    const { registry, machine } = this.#dependencies;
    const model = announced.manifest.name;
    checkAdmission(
      { ...announced, signature },
      {
        runtimeVersion: AGENT_VERSION,
        platform: machine.platform,
        newestVersion: newestAdmitted(registry.state, model),
        servedDigests: admittedDigests(registry.state, model),
      },
    );
  }

  #logSignatureChange(model: string, stable: string | undefined, { report }: HostedModel): void {
    const before =
      stable === undefined ? undefined : this.#manager.served.find(model, stable)?.hosted?.report;
    if (before === undefined) return;
    const of = ({ inputs, outputs }: typeof report): string => JSON.stringify([inputs, outputs]);
    if (of(before) === of(report)) return;
    this.#dependencies.logger.warn('The new version has other inputs or outputs', {
      model,
      from: before.version,
      to: report.version,
      before: of(before),
      after: of(report),
    });
  }

  async #checkMemory(hosted: HostedModel): Promise<void> {
    const bytes = await hosted.measureBytes();
    const { budgetBytes } = this.#manager;
    if (bytes <= budgetBytes) return;
    throw new EdgeError(
      'RESOURCE_EXHAUSTED',
      `Cannot admit the package as its model takes ${bytes} bytes and the memory budget is ${budgetBytes}`,
      { nextStep: 'Raise memoryBudgetMb' },
    );
  }

  async #inTurn<T>(model: string, act: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(model) ?? Promise.resolve();
    const turn = before.then(act, act);
    const tail = turn.catch(() => undefined);
    this.#turns.set(model, tail);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(model) === tail) this.#turns.delete(model);
    }
  }
}

function newRecord(
  state: RegistryState,
  { manifest, digest }: Announced,
  component: string,
  source: string,
): VersionRecord {
  const known = findVersion(state, manifest.name, manifest.version);
  const same = known?.digest === digest ? known : undefined;
  return {
    version: manifest.version,
    digest,
    packageName: manifest.name,
    component,
    source,
    kept: false,
    admitted: same?.admitted ?? false,
    tries: same?.tries ?? 0,
    ...askedBy(manifest),
    ...(same?.pinned === undefined ? {} : { pinned: same.pinned }),
    ...(same?.compiledDigest === undefined ? {} : { compiledDigest: same.compiledDigest }),
  };
}

/** A verdict, not an absence: whoever asks must not try again until somebody answers. */
function asRefusal(error: EdgeError): EdgeError {
  if (error.code !== 'UNAVAILABLE' && error.code !== 'DEADLINE_EXCEEDED') return error;
  return new EdgeError('FAILED_PRECONDITION', error.message, { field: error.field, cause: error });
}

function desire(state: RegistryState, model: string, version: string): RegistryState {
  return updateModel(state, model, (record) =>
    record.desired === version ? record : { ...record, desired: version },
  );
}

function signatureOf(said: string): PackageSignature {
  return said.startsWith('verified')
    ? { state: 'verified', method: 'key', signer: said }
    : { state: 'unsigned' };
}
