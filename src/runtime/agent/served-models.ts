import { EdgeError, messageOf, toEdgeError, type Clock, type Logger } from '../../core/mod.js';
import { keyOf } from '../plan/mod.js';
import type { HostedModel, HostExit, LoadSpec, ModelHosts } from '../host/port/mod.js';
import { emptySlot, type OwnSlot, type Slot } from './slot.js';

export interface ServedModelsOptions {
  readonly hosts: Pick<ModelHosts, 'load'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly logger: Logger;
  /** How a version is loaded: folder, digest, trust, capture. Throws where it may not be. */
  readonly spec: (model: string, version: string) => Promise<LoadSpec>;
  /** Unloads others where memory is short. Throws RESOURCE_EXHAUSTED where that is not enough. */
  readonly makeRoom: (slot: Slot) => Promise<void>;
  /** A version is in memory. */
  readonly onLoaded: (slot: Slot, hosted: HostedModel) => void;
  /** A host ended without being asked to; the slot still has the runs that it ended well. */
  readonly onDeath: (slot: Slot, exit: HostExit) => void;
  /** A load failed; `died` where it killed its host. */
  readonly onLoadFailed: (slot: Slot, error: EdgeError, died: boolean) => void;
  /** The last pending request of a version is done. */
  readonly onIdle: (slot: Slot) => void;
}

const RETRY_BASE_MS = 1000;
const RETRY_CAP_MS = 60_000;

/**
 * Which versions are in memory: the only writer of slots. Invariants: at most one load or trial of a version runs
 * at a time and all who wait share it; a version with pending requests is never unloaded but by its own host's
 * death.
 */
export class ServedModels {
  readonly #options: ServedModelsOptions;
  readonly #slots = new Map<string, OwnSlot>();
  #closed = false;

  constructor(options: ServedModelsOptions) {
    this.#options = options;
  }

  get slots(): readonly Slot[] {
    return [...this.#slots.values()];
  }

  slot(model: string, version: string): Slot {
    const key = keyOf(model, version);
    const slot = this.#slots.get(key) ?? emptySlot(key, model, version, this.#options.clock.monotonicMs());
    this.#slots.set(key, slot);
    return slot;
  }

  find(model: string, version: string): Slot | undefined {
    return this.#slots.get(keyOf(model, version));
  }

  /** Another version has taken its place: it goes when its requests are done. */
  retire(model: string, version: string): void {
    const slot = this.#slots.get(keyOf(model, version));
    if (slot !== undefined) slot.retiring = true;
  }

  /** Somebody wants it again. */
  keep(slot: OwnSlot): void {
    slot.retiring = false;
  }

  /** A run ended well. */
  ran(slot: OwnSlot): void {
    slot.runs++;
  }

  /** The loaded model; loads it first where it is not in memory. */
  async ensure(slot: OwnSlot): Promise<HostedModel> {
    if (slot.hosted !== undefined) return slot.hosted;
    return await this.#once(slot, () => this.#load(slot));
  }

  /**
   * Loads a version for an admission. It serves once `judge` has resolved, and is unloaded where `judge` throws;
   * whoever asks for it meanwhile waits for the verdict. What is in memory already is judged as it is.
   */
  async trial(
    slot: OwnSlot,
    spec: LoadSpec,
    judge: (hosted: HostedModel) => Promise<void>,
  ): Promise<HostedModel> {
    // A load that a request began has its own verdict; only where it fails a new one is worth a try.
    while (slot.loading !== undefined) await slot.loading.catch(() => undefined);
    const { hosted } = slot;
    if (hosted === undefined) return await this.#once(slot, () => this.#try(slot, spec, judge));
    await judge(hosted);
    return hosted;
  }

  /** Loads a version again beside itself, by other settings; the former session ends with its last request. */
  async renew(slot: OwnSlot): Promise<void> {
    const { hosts, spec } = this.#options;
    const former = slot.hosted;
    if (former === undefined || this.#closed) return;
    const hosted = await hosts.load(await spec(slot.model, slot.version));
    if (slot.hosted !== former) {
      // It was unloaded, or its host died and it is loaded anew already.
      await hosted.unload();
      return;
    }
    this.#adopt(slot, hosted);
    await former.unload();
  }

  /** Its host died: for so long only a request brings it back. */
  rest(slot: OwnSlot, waitMs: number): void {
    slot.nextTryMs = this.#options.clock.monotonicMs() + waitMs;
  }

  /** Counts a request in, until the returned function is called. */
  begin(slot: OwnSlot): () => void {
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

  /**
   * Ends the session after its running requests. A request that comes meanwhile loads it again.
   * @param evicted whether memory is the reason: then only a request brings it back
   */
  async unload(slot: OwnSlot, evicted: boolean): Promise<void> {
    slot.evicted = evicted;
    const { hosted } = slot;
    if (hosted === undefined) return await slot.unloading;
    slot.hosted = undefined;
    slot.unloading = this.#end(slot, hosted);
    await slot.unloading;
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

  /** Measures loaded models: those that were asked since they were measured, or all. One by one, which wakes fewest threads. */
  async measure(all: boolean): Promise<void> {
    for (const slot of this.#slots.values())
      if (all || slot.pending > 0 || slot.lastUsedMs > slot.measuredMs) await this.measureOne(slot);
  }

  async measureOne(slot: OwnSlot): Promise<void> {
    try {
      const nowMs = this.#options.clock.monotonicMs();
      const bytes = await slot.hosted?.measureBytes();
      if (bytes === undefined) return;
      slot.bytes = bytes;
      slot.measuredMs = nowMs;
    } catch {
      // The host died meanwhile; its end is told by `gone`.
    }
  }

  close(): void {
    this.#closed = true;
  }

  async #once(slot: OwnSlot, load: () => Promise<HostedModel>): Promise<HostedModel> {
    if (this.#closed) throw new EdgeError('AGENT_STOPPING', 'Cannot load the model as the agent is stopping');
    slot.loading ??= load().finally(() => {
      slot.loading = undefined;
    });
    return await slot.loading;
  }

  async #load(slot: OwnSlot): Promise<HostedModel> {
    const { hosts, spec, makeRoom, onLoadFailed, clock } = this.#options;
    try {
      await slot.unloading;
      await makeRoom(slot);
      const hosted = await hosts.load(await spec(slot.model, slot.version));
      this.#adopt(slot, hosted);
      return hosted;
    } catch (thrown) {
      const error = toEdgeError(thrown, `Cannot load ${slot.key}`);
      slot.lastError = error;
      slot.failures++;
      const waitMs = Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** Math.min(slot.failures - 1, 10));
      slot.nextTryMs = clock.monotonicMs() + waitMs;
      onLoadFailed(slot, error, error.reason === 'MODEL_HOST_DIED' && !this.#closed);
      throw error;
    }
  }

  async #try(
    slot: OwnSlot,
    spec: LoadSpec,
    judge: (hosted: HostedModel) => Promise<void>,
  ): Promise<HostedModel> {
    await slot.unloading;
    const hosted = await this.#options.hosts.load(spec);
    try {
      await judge(hosted);
    } catch (thrown) {
      await hosted.unload().catch(() => undefined);
      throw thrown;
    }
    this.#adopt(slot, hosted);
    return hosted;
  }

  #adopt(slot: OwnSlot, hosted: HostedModel): void {
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

  async #end(slot: OwnSlot, hosted: HostedModel): Promise<void> {
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

  #gone(slot: OwnSlot, hosted: HostedModel, exit: HostExit): void {
    if (slot.hosted !== hosted) return;
    slot.hosted = undefined;
    if (this.#closed || exit.kind === 'closed') return;
    this.#options.onDeath(slot, exit);
  }
}
