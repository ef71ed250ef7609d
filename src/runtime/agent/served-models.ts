import { EdgeError, messageOf, toEdgeError, type Clock, type Logger } from '../../core/mod.js';
import { keyOf } from '../plan/mod.js';
import type { HostedModel, HostExit, LoadSpec, ModelHosts } from '../host/port/mod.js';

/** What is known of one version in memory, loaded or not. */
export interface Slot {
  readonly key: string;
  readonly model: string;
  readonly version: string;
  hosted: HostedModel | undefined;
  loading: Promise<HostedModel> | undefined;
  /** Its host is ending: a load waits for that, as hosts know it by the same key. */
  unloading: Promise<void> | undefined;
  /** Requests addressed to it that have no reply yet, queued ones included. */
  pending: number;
  /** Runs that ended well since it was loaded. */
  runs: number;
  lastUsedMs: number;
  /** PSS of its host at the last measurement; kept after it is unloaded, as the best estimate. */
  bytes: number;
  loadMs: number;
  /** Replaced by another version: goes when its requests are done. */
  retiring: boolean;
  /** Unloaded for memory: only a request brings it back. */
  evicted: boolean;
  /** Loads that failed in a row, and when the next may be tried without a request (monotonic). */
  failures: number;
  nextTryMs: number;
  lastError: EdgeError | undefined;
}

export interface ServedModelsOptions {
  readonly hosts: ModelHosts;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How a version is loaded: folder, digest, trust, capture. Throws where it may not be. */
  readonly spec: (model: string, version: string) => Promise<LoadSpec>;
  /** Unloads others where memory is short. Throws RESOURCE_EXHAUSTED where that is not enough. */
  readonly makeRoom: (slot: Slot) => Promise<void>;
  /** A version is in memory. */
  readonly onLoaded: (slot: Slot, hosted: HostedModel) => void;
  /** A host ended without being asked to. */
  readonly onDeath: (slot: Slot, exit: HostExit, runs: number) => void;
  /** A load failed; `died` where it killed its host. */
  readonly onLoadFailed: (slot: Slot, error: EdgeError, died: boolean) => void;
  /** The last pending request of a version is done. */
  readonly onIdle: (slot: Slot) => void;
}

const RETRY_BASE_MS = 1000;
const RETRY_CAP_MS = 60_000;

/**
 * Which versions are in memory. Invariants: at most one load of a version runs at a time and all who wait share
 * it; a version with pending requests is never unloaded but by its own host's death.
 */
export class ServedModels {
  readonly #options: ServedModelsOptions;
  readonly #slots = new Map<string, Slot>();
  #closed = false;

  constructor(options: ServedModelsOptions) {
    this.#options = options;
  }

  get slots(): readonly Slot[] {
    return [...this.#slots.values()];
  }

  slot(model: string, version: string): Slot {
    const key = keyOf(model, version);
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = {
        key,
        model,
        version,
        hosted: undefined,
        loading: undefined,
        unloading: undefined,
        pending: 0,
        runs: 0,
        lastUsedMs: this.#options.clock.monotonicMs(),
        bytes: 0,
        loadMs: 0,
        retiring: false,
        evicted: false,
        failures: 0,
        nextTryMs: 0,
        lastError: undefined,
      };
      this.#slots.set(key, slot);
    }
    return slot;
  }

  find(model: string, version: string): Slot | undefined {
    return this.#slots.get(keyOf(model, version));
  }

  /** The loaded model; loads it first where it is not in memory. */
  async ensure(slot: Slot): Promise<HostedModel> {
    if (slot.hosted !== undefined) return slot.hosted;
    if (this.#closed) throw new EdgeError('AGENT_STOPPING', 'Cannot load the model as the agent is stopping');
    slot.loading ??= this.#load(slot).finally(() => {
      slot.loading = undefined;
    });
    return await slot.loading;
  }

  /** Takes over a model that was loaded elsewhere (at its admission). */
  adopt(slot: Slot, hosted: HostedModel): void {
    slot.hosted = hosted;
    slot.loadMs = hosted.report.loadMs;
    slot.runs = 0;
    slot.failures = 0;
    slot.nextTryMs = 0;
    slot.lastError = undefined;
    slot.evicted = false;
    slot.lastUsedMs = this.#options.clock.monotonicMs();
    void hosted.gone.then((exit) => this.#gone(slot, hosted, exit));
    this.#options.onLoaded(slot, hosted);
  }

  /** Counts a request in, until the returned function is called. */
  begin(slot: Slot): () => void {
    slot.pending++;
    slot.lastUsedMs = this.#options.clock.monotonicMs();
    let over = false;
    return () => {
      if (over) return;
      over = true;
      slot.pending--;
      slot.lastUsedMs = this.#options.clock.monotonicMs();
      if (slot.pending === 0) this.#options.onIdle(slot);
    };
  }

  /** Ends the session after its running requests. A request that comes meanwhile loads it again. */
  async unload(slot: Slot): Promise<void> {
    const { hosted } = slot;
    if (hosted === undefined) return await slot.unloading;
    slot.hosted = undefined;
    slot.unloading = this.#end(slot, hosted);
    await slot.unloading;
  }

  async #end(slot: Slot, hosted: HostedModel): Promise<void> {
    try {
      await hosted.unload();
    } catch (thrown) {
      this.#options.logger.warn('A model could not be unloaded cleanly', {
        model: slot.key,
        reason: messageOf(thrown),
      });
    }
    slot.unloading = undefined;
  }

  get keys(): readonly string[] {
    return [...this.#slots.keys()];
  }

  /** Forgets a version that is gone for good, unless something of it is still in memory or asked for. */
  forget(key: string): void {
    const slot = this.#slots.get(key);
    if (slot === undefined || slot.pending > 0) return;
    if (slot.hosted === undefined && slot.loading === undefined && slot.unloading === undefined)
      this.#slots.delete(key);
  }

  /** Measures all loaded models. */
  async measure(): Promise<void> {
    await Promise.all(this.slots.map((slot) => this.measureOne(slot)));
  }

  async measureOne(slot: Slot): Promise<void> {
    try {
      const bytes = await slot.hosted?.measureBytes();
      if (bytes !== undefined) slot.bytes = bytes;
    } catch {
      // The host died meanwhile; its end is told by `gone`.
    }
  }

  close(): void {
    this.#closed = true;
  }

  async #load(slot: Slot): Promise<HostedModel> {
    const { hosts, spec, makeRoom, onLoadFailed, clock } = this.#options;
    try {
      await slot.unloading;
      await makeRoom(slot);
      const hosted = await hosts.load(await spec(slot.model, slot.version));
      this.adopt(slot, hosted);
      return hosted;
    } catch (thrown) {
      const error = toEdgeError(thrown, `Cannot load ${slot.key}`);
      slot.lastError = error;
      slot.failures++;
      const waitMs = Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** Math.min(slot.failures - 1, 10));
      slot.nextTryMs = clock.monotonicMs() + waitMs;
      onLoadFailed(slot, error, error.code === 'UNAVAILABLE');
      throw error;
    }
  }

  #gone(slot: Slot, hosted: HostedModel, exit: HostExit): void {
    if (slot.hosted !== hosted) return;
    slot.hosted = undefined;
    if (this.#closed || exit.kind === 'closed') return;
    this.#options.onDeath(slot, exit, slot.runs);
  }
}
