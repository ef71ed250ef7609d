import {
  STABLE,
  troubleOf,
  type HeartbeatDocument,
  type HeartbeatModel,
  type ModelEvent,
  type Trouble,
} from '../../contract/mod.js';
import type { GreengrassPort } from '../../ipc/mod.js';
import { startHeartbeat, type Heartbeat } from '../../telemetry/mod.js';
import { VERSION } from '../../system/mod.js';
import { keyOf } from '../plan/mod.js';
import { entries, findModel, isDrifted } from '../registry/mod.js';
import type { AdminGate } from './admin-gate.js';
import type { Catalog } from './catalog.js';
import type { AgentDependencies } from './context.js';
import type { Counters } from './counters.js';
import type { Events } from './events.js';
import type { HostLimits } from './host-limits.js';
import type { Unadmitted } from './unadmitted.js';
import { UploaderRefusal } from './uploader-refusal.js';

const REASON_MAX_CHARS = 200;
const PROVIDER_MAX_CHARS = 128;
const MINUTE_MS = 60_000;

/** What went wrong last, until the same model is well again. */
const TROUBLES: ReadonlySet<ModelEvent['type']> = new Set(['REFUSED', 'ROLLED_BACK', 'QUARANTINED']);

export interface AgentHeartbeatOptions extends Pick<
  AgentDependencies,
  'registry' | 'configuration' | 'capture' | 'machine' | 'hosts' | 'clock' | 'random' | 'logger'
> {
  readonly catalog: Catalog;
  readonly counters: Counters;
  readonly events: Events;
  readonly unadmitted: Pick<Unadmitted, 'reasonOf'>;
  readonly limits: Pick<HostLimits, 'reasonOf'>;
  readonly adminGate: Pick<AdminGate, 'isFormer'>;
}

/** The agent's reports to the fleet: what it serves, how, and what went wrong last. */
export class AgentHeartbeat {
  readonly #options: AgentHeartbeatOptions;
  readonly #uploads: UploaderRefusal;
  #trouble: (Trouble & { readonly model: string }) | undefined;
  #running: Heartbeat | undefined;
  #greengrass: GreengrassPort | undefined;

  constructor(options: AgentHeartbeatOptions) {
    this.#options = options;
    this.#uploads = new UploaderRefusal(options.clock);
    options.events.onModel((event) => this.#heard(event));
  }

  /** Reports by this connection, at the configured interval; 0 minutes: not at all. */
  start(greengrass: GreengrassPort): () => void {
    const { configuration } = this.#options;
    this.#greengrass = greengrass;
    this.#restart(greengrass);
    const end = configuration.onChange((now, before) => {
      if (now.heartbeat.intervalMinutes !== before.heartbeat.intervalMinutes) this.#restart(greengrass);
      else this.#running?.changed();
    });
    return () => {
      end();
      this.#running?.close();
      this.#running = undefined;
    };
  }

  /** Reports soon if something changed that no event tells, such as the version that the deployment wants. */
  check(): void {
    this.#running?.changed();
  }

  /** What the uploader says of its configuration; null: the newest is in force. */
  heardOfUploads(refusal: Trouble | null): void {
    this.#uploads.hear(refusal);
    this.check();
  }

  collect(): HeartbeatDocument {
    const { registry, configuration, capture, machine, adminGate, hosts } = this.#options;
    const { fleet, deviceName } = configuration.current;
    const { delivered, drops, queuedRecords, queueBytes } = capture.stats();
    const { quarantined } = drops;
    const lastError = this.#lastError();
    const uploadError = this.#uploads.current;
    const { deafSeconds = 0 } = this.#greengrass ?? {};
    return {
      agentVersion: VERSION,
      device: deviceName ?? machine.thingName,
      fleet: fleet ?? '',
      models: entries(registry.state).map(({ model, record }) => this.#model(model, record.version)),
      capture: {
        delivered,
        dropped: Object.values(drops).reduce((sum, count) => sum + count, 0),
        queuedRecords,
        queueBytes,
        ...(quarantined === undefined ? {} : { quarantined }),
      },
      ...(adminGate.isFormer ? { adminOpen: true } : {}),
      deafSeconds,
      ...(hosts.confinement?.isHeld === false
        ? { unconfined: hosts.confinement.phrase.slice(0, REASON_MAX_CHARS) }
        : {}),
      ...(lastError === undefined ? {} : { lastError }),
      ...(uploadError === undefined ? {} : { uploadError }),
    };
  }

  #restart(greengrass: GreengrassPort): void {
    this.#running?.close();
    const { clock, random, logger, configuration, machine } = this.#options;
    const { intervalMinutes } = configuration.current.heartbeat;
    this.#running =
      intervalMinutes === 0
        ? undefined
        : startHeartbeat({
            greengrass,
            thingName: machine.thingName,
            collect: () => this.collect(),
            intervalMinutes,
            clock,
            random,
            logger,
          });
  }

  #model(name: string, version: string): HeartbeatModel {
    const { registry, configuration, clock, catalog, counters: all, unadmitted, limits } = this.#options;
    const { state, reason: trouble, revoked } = catalog.summary(name, version);
    const flaw = unadmitted.reasonOf(name, version) ?? limits.reasonOf(keyOf(name, version));
    const reason = trouble ?? flaw;
    const engine = catalog.engine(name, version);
    const counters = all.of(keyOf(name, version));
    const { lastInferenceMs, lastSampleMs, requests, errors, total } = counters;
    const found = findModel(registry.state, name);
    const drifted = found !== undefined && found.labels[STABLE] === version && isDrifted(found);
    const wanted = found !== undefined && found.desired === version && isDrifted(found);
    const intervalMs = Math.max(1, configuration.current.heartbeat.intervalMinutes) * MINUTE_MS;
    return {
      name,
      version,
      state,
      requests,
      errors,
      ...(drifted ? { drifted } : {}),
      ...(wanted ? { wanted } : {}),
      ...(flaw === undefined ? {} : { unadmitted: true }),
      ...(revoked === undefined ? {} : { revoked }),
      ...(engine === undefined ? {} : { provider: engine.provider.slice(0, PROVIDER_MAX_CHARS) }),
      ...(engine?.missing === undefined ? {} : { fallback: true }),
      ...(lastSampleMs !== undefined && clock.wallMs() - lastSampleMs < intervalMs ? { sampling: true } : {}),
      ...(lastInferenceMs === undefined ? {} : { lastInferenceMs }),
      ...(lastSampleMs === undefined ? {} : { lastSampleMs }),
      ...(total.count === 0 ? {} : { p50Ms: total.summary().p50Ms, p99Ms: total.summary().p99Ms }),
      ...(reason === undefined ? {} : { reason: reason.slice(0, REASON_MAX_CHARS) }),
    };
  }

  #lastError(): Trouble | undefined {
    const { configuration } = this.#options;
    const { refusal, refusedAtMs } = configuration;
    const trouble = this.#trouble;
    if (refusal !== undefined && refusedAtMs > (trouble?.atMs ?? 0)) {
      return troubleOf(refusal, refusedAtMs);
    }
    return trouble === undefined
      ? undefined
      : { code: trouble.code, message: trouble.message, atMs: trouble.atMs };
  }

  #heard({ type, model, reason }: ModelEvent): void {
    if (TROUBLES.has(type)) {
      const message = `${model}: ${reason ?? 'no reason is known'}`.slice(0, REASON_MAX_CHARS);
      this.#trouble = { code: type, message, atMs: this.#options.clock.wallMs(), model };
    } else if (type === 'ADMITTED' && this.#trouble?.model === model) {
      this.#trouble = undefined;
    }
    this.#running?.changed();
  }
}
