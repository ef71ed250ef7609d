import type { Clock } from '../core/mod.js';
import { deadlineMs, withDeadline, type DeadlinePolicy } from './deadline.js';
import { failureOf } from './failure.js';
import type { ObjectStore, PutOutcome, PutRequest } from './object-store.js';

/**
 * Puts with a deadline, and a watchdog for puts that do not even end when they are aborted (a socket or a
 * library that hangs): at twice the deadline the put is given up and the store's connections are made anew.
 */
export class GuardedPut {
  readonly #store: ObjectStore;
  readonly #deadline: DeadlinePolicy;
  readonly #clock: Clock;
  #stuckInARow = 0;

  constructor(store: ObjectStore, deadline: DeadlinePolicy, clock: Clock) {
    this.#store = store;
    this.#deadline = deadline;
    this.#clock = clock;
  }

  /** Puts in a row that the watchdog had to give up. */
  get stuckInARow(): number {
    return this.#stuckInARow;
  }

  async put(request: PutRequest, outer: AbortSignal): Promise<PutOutcome> {
    const ms = deadlineMs(request.bytes.byteLength, this.#deadline);
    const ended = withDeadline(ms, outer, this.#clock, (signal) => this.#store.put(request, signal));
    const outcome = await Promise.race([ended, this.#watchdog(2 * ms, outer, ended)]);
    if (outcome === 'stuck') {
      this.#stuckInARow++;
      this.#store.reset();
      return { outcome: 'failed', failure: failureOf({ code: 'UploadStuck' }) };
    }
    this.#stuckInARow = 0;
    return outcome;
  }

  /** `stuck` after `ms`, or at once on abort: closing must not wait for a put that hangs. */
  #watchdog(ms: number, outer: AbortSignal, ended: Promise<PutOutcome>): Promise<'stuck' | PutOutcome> {
    return new Promise((resolve) => {
      const onAbort = (): void => {
        // A store that obeys its signal ends first.
        this.#clock.after(ABORT_GRACE_MS, () =>
          resolve({ outcome: 'failed', failure: failureOf({ code: 'Aborted' }) }),
        );
      };
      const cancel = this.#clock.after(ms, () => resolve('stuck'));
      outer.addEventListener('abort', onAbort, { once: true });
      const clear = (): void => {
        cancel();
        outer.removeEventListener('abort', onAbort);
      };
      ended.then(clear, clear);
    });
  }
}

const ABORT_GRACE_MS = 500;
