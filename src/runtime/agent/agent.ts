import { topics } from '../../contract/mod.js';
import { endsWithin, messageOf, Pace } from '../../core/mod.js';
import { VERSION } from '../../system/mod.js';
import { captureOf, hostSettingsOf, type Configuration } from '../config/mod.js';
import { AdminGate } from './admin-gate.js';
import { AdmissionRules } from './admission-rules.js';
import { Registration } from './registration.js';
import { CaptureEvents } from './capture-events.js';
import { CaptureOwners } from './capture-owners.js';
import { Captures } from './captures.js';
import { Catalog } from './catalog.js';
import type { AgentDependencies } from './context.js';
import { Counters, type Load } from './counters.js';
import { Events, type Publish } from './events.js';
import { Exchange } from './exchange.js';
import { Forgetting, type Holder } from './forgetting.js';
import { createHandlers, type AgentHandlers } from './handlers.js';
import { AgentHeartbeat } from './heartbeat.js';
import { asJson } from './load-specs.js';
import type { HostLimits } from './host-limits.js';
import { Loads } from './loads.js';
import type { ModelManager } from './model-manager.js';
import { connectModels } from './models.js';
import { Operator } from './operator.js';
import type { PackageKeeper } from './package-keeper.js';
import { Predictions, type PredictionQueue } from './predictions.js';
import { ProbationWatch } from './probation-watch.js';
import { ArtifactWatch } from './reconcile-artifacts.js';
import type { ServedModels } from './served-models.js';
import type { Rollback } from './rollback.js';
import { SharedFiles } from './shared-files.js';
import { SwitchOver } from './switch-over.js';
import type { TrustWatch } from './trust-watch.js';
import { Unadmitted } from './unadmitted.js';

/** Memory in use, probation by time and exchange folders are looked at this often. */
const TICK_MS = 5000;
/** What changes by itself only: memory of models that nobody asks, artifact folders, files of keys, receipts for nothing. */
const SELDOM_MS = 60_000;

/** What hosts may take at least to end and to hand over their last captures; they have what the requests left. */
const HOST_END_MS = 600;

export interface AgentQueue extends PredictionQueue, Holder {
  load(key: string): Load;
  /** Refuses what waits with UNAVAILABLE, and what comes. */
  close(): void;
}

/**
 * The control process without its sockets. It serves as soon as it is opened, whether Greengrass is there or
 * not: the registry says what, the hosts run it, `handlers` answer.
 */
export class Agent implements AsyncDisposable {
  readonly handlers: AgentHandlers;
  /** For a responder: bodies that no message holds. */
  readonly files: SharedFiles;
  readonly operator: Operator;
  readonly adminGate: AdminGate;
  readonly events: Events;
  readonly manager: ModelManager;
  readonly heartbeat: AgentHeartbeat;
  readonly #dependencies: AgentDependencies;
  readonly #served: ServedModels;
  readonly #packages: PackageKeeper;
  readonly #queue: AgentQueue;
  readonly #counters: Counters;
  readonly #predictions: Predictions;
  readonly #captures: Captures;
  readonly #exchange: Exchange;
  readonly #probation: ProbationWatch;
  readonly #rollback: Rollback;
  readonly #artifacts: ArtifactWatch;
  readonly #unadmitted: Unadmitted;
  readonly #limits: HostLimits;
  readonly #trust: TrustWatch;
  readonly #seldom: Pace;
  readonly #ends: (() => void)[] = [];
  #stopped: Promise<void> | undefined;

  private constructor(dependencies: AgentDependencies, queue: AgentQueue) {
    const { clock, logger, machine, random, configuration } = dependencies;
    this.#dependencies = dependencies;
    this.#seldom = new Pace(clock, SELDOM_MS);
    this.#queue = queue;
    this.events = new Events(logger);
    const models = connectModels(dependencies, this.events, () => forgetting.perform());
    const { manager, served, packages, failures } = models;
    this.#rollback = models.rollback;
    this.manager = manager;
    this.#served = served;
    this.#packages = packages;
    const counters = new Counters((key) => queue.load(key));
    this.#counters = counters;
    const roots = (): readonly string[] => machine.exchangeRoots(configuration.current.exchangeFolder);
    const onRemade = async (): Promise<void> => {
      dependencies.renewHosts?.();
      await manager.renewAll();
    };
    this.#exchange = new Exchange({ roots, uid: machine.uid, clock, random, logger, onRemade });
    const parts = { ...dependencies, ...models, events: this.events, counters };
    const probation = new ProbationWatch({ ...parts, reconcile: () => manager.reconcile() });
    const others = [queue, counters, probation, models.limits];
    const forgetting: Forgetting = new Forgetting({ ...parts, others });
    const exchange = this.#exchange;
    this.files = new SharedFiles(exchange);
    this.#probation = probation;
    const captureOwners = new CaptureOwners(dependencies.captureOwners);
    this.#predictions = new Predictions({ ...parts, captureOwners, failures, probation, exchange, queue });
    this.#captures = new Captures(dependencies, exchange, captureOwners);
    this.#artifacts = new ArtifactWatch(parts);
    const rules = new AdmissionRules(parts);
    this.#trust = models.trust;
    this.#unadmitted = new Unadmitted({ ...parts, rules });
    const catalog = new Catalog({ ...parts, probation, unadmitted: this.#unadmitted });
    this.adminGate = new AdminGate(dependencies);
    const flags = { unadmitted: this.#unadmitted, adminGate: this.adminGate };
    this.heartbeat = new AgentHeartbeat({ ...parts, ...flags, catalog });
    this.#limits = models.limits;
    const switchOver = new SwitchOver({ ...parts, rules, probation });
    this.operator = new Operator(parts);
    this.handlers = createHandlers(dependencies, {
      registration: new Registration({ ...parts, rules, switchOver }),
      captures: this.#captures,
      catalog,
      exchange,
      loads: new Loads({ ...parts, rules, catalog }),
      predictions: this.#predictions,
    });
  }

  /** Loads in the background what served before. */
  static async open(dependencies: AgentDependencies, queue: AgentQueue): Promise<Agent> {
    const agent = new Agent(dependencies, queue);
    await agent.#exchange.open();
    await agent.#rollback.finish();
    await agent.sweep();
    agent.#listen();
    // What is to be unloaded is not loaded first; all else is looked at beside the first loads.
    if (dependencies.configuration.current.signature.unloadRevoked === true) await agent.#trust.check();
    agent.manager.reconcile();
    await agent.#unadmitted.look();
    agent.adminGate.look();
    await agent.#trust.check();
    agent.#probation.check();
    agent.#tick();
    dependencies.logger.info('Agent started', {
      version: VERSION,
      models: Object.keys(dependencies.registry.state.models),
      controlStarts: dependencies.machine.controlStarts,
    });
    return agent;
  }

  /** Where events go; undefined while Greengrass is away. */
  attach(publish: Publish | undefined): void {
    this.events.attach(publish);
  }

  /** Deletes package copies that no label needs. */
  async sweep(): Promise<void> {
    await this.#packages.sweep();
  }

  /** For how many versions each part holds something: forgetting keeps these small. */
  get held(): Readonly<Record<'slots' | 'lanes' | 'counters' | 'limits', number>> {
    const count = ({ keys }: Holder): number => keys.length;
    return {
      slots: count(this.#served),
      lanes: count(this.#queue),
      counters: count(this.#counters),
      limits: count(this.#limits),
    };
  }

  /** A client said that it has gone. */
  async bye(client: string): Promise<void> {
    await this.#exchange.bye(client);
  }

  /** Requests that have no reply yet. */
  get pending(): number {
    return this.#served.slots.reduce((sum, { pending }) => sum + pending, 0);
  }

  /**
   * Stops in the order that loses nothing: no new predictions, what runs may finish within `graceMs`, what is
   * left gets UNAVAILABLE, captures are on disk, hosts end.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    await this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
  }

  async #stop(graceMs: number): Promise<void> {
    const { clock, hosts, capture, captureOwners, logger, configuration } = this.#dependencies;
    const deadlineMs = clock.monotonicMs() + graceMs;
    this.#predictions.drain();
    this.manager.stop();
    for (const end of this.#ends.splice(0)) end();
    while (this.pending > 0 && clock.monotonicMs() < deadlineMs) await clock.sleep(10);
    if (this.pending > 0) logger.warn('Requests were cut off', { pending: this.pending });
    this.#queue.close();
    this.#predictions.cutOff();
    // A host that hangs in a run ends with this process. On a busy machine one that has just answered has yet to say
    // what it sampled of that.
    await endsWithin(clock, Math.max(HOST_END_MS, deadlineMs - clock.monotonicMs()), hosts.close());
    await this.#captures.settled();
    await this.#probation.close().catch((thrown: unknown) => {
      logger.warn('Probations go on where they were last noted', { reason: messageOf(thrown) });
    });
    await capture.close();
    await captureOwners.settled();
    await captureOwners.close();
    await this.#exchange.close();
    await configuration.close();
    logger.info('Agent stopped');
  }

  #listen(): void {
    const { clock, capture, configuration } = this.#dependencies;
    const captureEvents = new CaptureEvents(clock, this.events);
    this.#ends.push(
      capture.onClosed((segment) => this.events.send(topics.spoolClosed, { v: 1, segment })),
      capture.onState((state, captureIds, reason) => captureEvents.tell(state, captureIds, reason)),
      () => captureEvents.flush(),
      configuration.onChange((now, before) => this.#configured(now, before)),
    );
  }

  #configured(now: Configuration, before: Configuration): void {
    const { logger } = this.#dependencies;
    logger.info('Configuration changed');
    for (const { model, hosted } of this.#served.slots) {
      const capture = captureOf(now, model);
      if (hosted === undefined || JSON.stringify(capture) === JSON.stringify(captureOf(before, model)))
        continue;
      hosted.setCapture(asJson(capture)).catch((thrown: unknown) => {
        logger.warn('A model keeps its former capture policies', { model, reason: messageOf(thrown) });
      });
    }
    if (JSON.stringify(hostSettingsOf(now)) !== JSON.stringify(hostSettingsOf(before))) {
      void this.manager.renewAll();
    }
    if (now.maxHostMb !== before.maxHostMb)
      for (const slot of this.#served.slots)
        if (slot.hosted !== undefined) this.#limits.apply(slot, slot.hosted);
    if (now.exchangeFolder !== before.exchangeFolder) {
      this.#exchange.configured().catch((thrown: unknown) => {
        logger.warn('Large tensors go where they went before', { reason: messageOf(thrown) });
      });
    }
    this.#checkTrust();
    this.#artifacts.wantedChanged();
    this.manager.reconcile();
  }

  #checkTrust(): void {
    this.#trust
      .check()
      .then(() => this.heartbeat.check())
      .catch((thrown: unknown) => {
        this.#dependencies.logger.warn('Signatures cannot be looked at', { reason: messageOf(thrown) });
      });
  }

  #tick(): void {
    const { clock, logger } = this.#dependencies;
    const cancel = clock.after(
      TICK_MS,
      () => {
        this.#ends.splice(this.#ends.indexOf(cancel), 1);
        this.#tick();
        this.#look().catch((thrown: unknown) =>
          logger.warn('The regular check failed', { reason: messageOf(thrown) }),
        );
      },
      { unref: true },
    );
    this.#ends.push(cancel);
  }

  /** Looks at the disk where something may have changed: each look wakes threads of its own. */
  async #look(): Promise<void> {
    const { capture } = this.#dependencies;
    const seldom = this.#seldom.isDue();
    await this.#served.measure(seldom);
    this.#limits.look(this.#served.slots);
    this.#probation.check();
    await this.#exchange.sweep();
    await this.#artifacts.check(seldom);
    if (seldom || capture.stats().queuedRecords > 0) await capture.reconcile();
    if (seldom) await this.#trust.check();
    this.manager.reconcile();
    this.heartbeat.check();
  }
}
