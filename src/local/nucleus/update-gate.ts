import { deferred, Listeners, within, type Clock, type Deferred } from '../../core/mod.js';
import type { ComponentUpdateEvent } from './api/mod.js';

type Listener = (event: ComponentUpdateEvent) => void;

/**
 * Asks the components that listen whether an update may begin. Each may put it off; then all are asked again, until
 * all agree or say nothing within the time.
 */
export class UpdateGate {
  readonly #clock: Clock;
  readonly #listeners = new Listeners<[event: ComponentUpdateEvent]>();
  readonly #answers = new Map<string, Deferred<number>>();
  #deploymentId: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  listen(component: string, call: Listener): () => void {
    return this.#listeners.add((event) => {
      if (event.kind === 'pre' && !this.#answers.has(component)) this.#answers.set(component, deferred());
      call(event);
    });
  }

  /** An answer to the event of this deployment; to another it means nothing. @returns whether it was awaited */
  defer(component: string, deploymentId: string, recheckAfterMs: number): boolean {
    const answer = deploymentId === this.#deploymentId ? this.#answers.get(component) : undefined;
    answer?.resolve(recheckAfterMs);
    return answer !== undefined;
  }

  /** @param timeoutMs how long silence is waited for, each time */
  async ask(deploymentId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    this.#deploymentId = deploymentId;
    for (;;) {
      const waitMs = await this.#askOnce(deploymentId, timeoutMs, signal);
      if (waitMs <= 0 || signal.aborted) break;
      await this.#clock.sleep(waitMs, signal).catch(() => undefined);
    }
    this.#deploymentId = undefined;
  }

  announceEnd(deploymentId: string): void {
    this.#listeners.tell({ kind: 'post', deploymentId });
  }

  /** @returns how long the most reluctant component wants to wait, 0 if none does */
  async #askOnce(deploymentId: string, timeoutMs: number, signal: AbortSignal): Promise<number> {
    this.#answers.clear();
    this.#listeners.tell({ kind: 'pre', deploymentId, isGgcRestarting: false });
    const waits: number[] = [];
    const answers = [...this.#answers.values()].map(async ({ promise }) => waits.push(await promise));
    // Who has said nothing by then agrees.
    const signals = [signal];
    await within(this.#clock, timeoutMs, Promise.all(answers), { signals }).catch(() => undefined);
    return Math.max(0, ...waits);
  }
}
