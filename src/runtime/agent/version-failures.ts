import { EdgeError, messageOf, type Clock, type Logger } from '../../core/mod.js';
import type { HostExit } from '../host/port/mod.js';
import { countTry, findVersion, QUARANTINE_TRIES, settle, type Registry } from '../registry/mod.js';
import type { Events } from './events.js';
import { onProbation } from './probation-progress.js';
import { changeSoon } from './registry-changes.js';
import type { Rollback } from './rollback.js';
import { ASKED_BY_US } from './second-opinion.js';
import type { ServedModels } from './served-models.js';
import type { Slot } from './slot.js';
import { Strikes } from './strikes.js';

/** Runs after which a freshly loaded version counts as one that does not kill its host. */
const SETTLED_RUNS = 3;
/** A caller whose requests end a model's host: one may be bad luck, then it is refused for longer and longer. */
const CALLER_STRIKES = { free: 2, baseMs: 1000, capMs: 60_000, forgetMs: 600_000, most: 1024 };
/** A model whose host dies is loaded again at once for a request, and later and later without one. */
const HOST_STRIKES = { free: 1, baseMs: 1000, capMs: 60_000, forgetMs: 600_000, most: 1024 };

export interface VersionFailuresOptions {
  readonly registry: Registry;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly logger: Logger;
  readonly events: Pick<Events, 'model'>;
  readonly rollback: Pick<Rollback, 'perform'>;
  readonly served: Pick<ServedModels, 'rest'>;
  /** Plans anew, as what should be in memory may have changed. */
  readonly reconcile: () => void;
}

/** What the former version made of an input that ended the host of one on probation; `unknown`: it could not be asked. */
export type Finding = 'convicted' | 'acquitted' | 'unknown';

/**
 * What follows when a version fails while it should serve. Deaths at its load and in its first runs are counted
 * against its package: the second one quarantines it, and the version before it takes over. Once it has proved
 * itself, a death is held against whoever asked for the run: no caller can take a model from the others. On
 * probation it is the former version that says whose fault a death was.
 */
export class VersionFailures {
  readonly #options: VersionFailuresOptions;
  readonly #callers: Strikes;
  readonly #hosts: Strikes;

  constructor(options: VersionFailuresOptions) {
    this.#options = options;
    this.#callers = new Strikes(options.clock, CALLER_STRIKES);
    this.#hosts = new Strikes(options.clock, HOST_STRIKES);
  }

  /** A run ended well: after a few, the version has proved itself, and that is remembered. */
  ran({ model, version, runs }: Slot): void {
    if (runs !== SETTLED_RUNS) return;
    const { registry, logger } = this.#options;
    const record = findVersion(registry.state, model, version);
    if (record !== undefined && (record.tries > 0 || record.proved !== true)) {
      changeSoon(registry, logger, (state) => settle(state, model, version));
    }
  }

  /** @throws EdgeError CALLER_HELD where this caller's requests ended the model's host again and again */
  checkCaller({ key }: Slot, caller: string): void {
    const retryAfterMs = this.#callers.waitMs(callerKey(key, caller));
    if (retryAfterMs === 0) return;
    throw new EdgeError(
      'CALLER_HELD',
      `Cannot run ${key} for ${caller} as its requests ended the model's process again and again`,
      { retryAfterMs, nextStep: 'Leave out the input that ends it, or give it a longer deadline' },
    );
  }

  died(slot: Slot, exit: HostExit): void {
    const { logger, events } = this.#options;
    const { model, version, key } = slot;
    const { sentence: reason, kind, caller } = exit;
    logger.error('Model host ended', {
      model: key,
      kind,
      reason,
      ...(caller === undefined ? {} : { caller }),
    });
    events.model({ type: 'HOST_RESTARTED', model, version, reason });
    if (
      caller === ASKED_BY_US ||
      (caller !== undefined && onProbation(this.#options.registry.state, model)?.version === version)
    ) {
      this.#restHost(slot);
      return;
    }
    // A deadline that its caller chose too short, or inputs that it chose too large, must not count against the package.
    const isCallers = kind === 'killed-deadline' || (kind === 'killed-memory' && caller !== undefined);
    if (isCallers || this.#isProved(slot)) this.#blameCaller(slot, caller);
    else this.#blame(slot, reason);
  }

  /** A death of a version on probation, as the former one sees it. */
  judged(slot: Slot, caller: string | undefined, finding: Finding): void {
    const proved = this.#isProved(slot);
    if (finding === 'acquitted' || (finding === 'unknown' && proved)) this.#strike(slot, caller);
    else if (!proved) this.#blame(slot, 'An input ended its process that the former version answers');
  }

  /** @param died whether the load killed its host */
  loadFailed(slot: Slot, error: EdgeError, died: boolean): void {
    const { logger, clock } = this.#options;
    logger.error('Model cannot be loaded', { model: slot.key, code: error.code, reason: error.message });
    if (died) this.#blame(slot, error.message);
    else if (error.code === 'FAILED_PRECONDITION') void this.#giveWay(slot, error.message);
    const waitMs = Math.max(0, slot.nextTryMs - clock.monotonicMs());
    clock.after(waitMs, () => this.#options.reconcile(), { unref: true });
  }

  #isProved({ model, version, runs }: Slot): boolean {
    const record = findVersion(this.#options.registry.state, model, version);
    return runs >= SETTLED_RUNS || record?.proved === true;
  }

  #blameCaller(slot: Slot, caller: string | undefined): void {
    this.#strike(slot, caller);
    this.#restHost(slot);
  }

  #strike(slot: Slot, caller: string | undefined): void {
    if (caller !== undefined) this.#callers.add(callerKey(slot.key, caller));
  }

  #restHost(slot: Slot): void {
    const { served, clock, reconcile } = this.#options;
    const waitMs = this.#hosts.add(slot.key);
    served.rest(slot, waitMs);
    clock.after(waitMs, reconcile, { unref: true });
  }

  /** Counts a death of the host against the package, and quarantines it at the second. */
  #blame(slot: Slot, reason: string): void {
    const { registry, logger, events, reconcile } = this.#options;
    const { model, version } = slot;
    const count = (): void => {
      const record = findVersion(registry.state, model, version);
      if (record?.quarantined !== undefined && record.tries === QUARANTINE_TRIES) {
        events.model({ type: 'QUARANTINED', model, version, reason });
        void this.#giveWay(slot, reason);
      }
      reconcile();
    };
    changeSoon(registry, logger, (state) => countTry(state, model, version, reason), count);
  }

  /** A stable version that can't run gives way to the one before it. */
  async #giveWay({ model, version }: Slot, reason: string): Promise<void> {
    const { logger, rollback } = this.#options;
    try {
      await rollback.perform(model, version, reason);
    } catch (thrown) {
      logger.error('The version before cannot be loaded either', { model, reason: messageOf(thrown) });
    }
  }
}

function callerKey(key: string, caller: string): string {
  return `${key} ${caller}`;
}
