import { deferred, type Clock, type Deferred } from '../../core/mod.js';
import type { ComponentUpdateEvent } from './api/mod.js';

type Listener = (event: ComponentUpdateEvent) => void;

/**
 * Asks the components that listen whether an update may begin. Each may put it off; then all are asked again, until
 * all agree or say nothing within the time.
 */
export class UpdateGate {
  readonly #clock: Clock;
  readonly #listeners = new Set<{ component: string; call: Listener }>();
  readonly #answers = new Map<string, Deferred<number>>();
  #deploymentId: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  listen(component: string, call: Listener): () => void {
    const entry = { component, call };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  /** An answer to the event of this deployment; to another it means nothing. */
  defer(component: string, deploymentId: string, recheckAfterMs: number): void {
    if (deploymentId === this.#deploymentId) this.#answers.get(component)?.resolve(recheckAfterMs);
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
    for (const { call } of this.#listeners) call({ kind: 'post', deploymentId });
  }

  /** @returns how long the most reluctant component wants to wait, 0 if none does */
  async #askOnce(deploymentId: string, timeoutMs: number, signal: AbortSignal): Promise<number> {
    this.#answers.clear();
    const listeners = [...this.#listeners];
    for (const { component } of listeners) this.#answers.set(component, deferred());
    for (const { call } of listeners) call({ kind: 'pre', deploymentId, isGgcRestarting: false });
    const silence = deferred<number>();
    const fallSilent = (): void => silence.resolve(0);
    signal.addEventListener('abort', fallSilent, { once: true });
    const cancel = this.#clock.after(timeoutMs, fallSilent);
    const answers = [...this.#answers.values()].map(({ promise }) =>
      Promise.race([promise, silence.promise]),
    );
    const waits = await Promise.all(answers);
    cancel();
    signal.removeEventListener('abort', fallSilent);
    return Math.max(0, ...waits);
  }
}
