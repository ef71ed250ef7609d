import { deferred, within, type Clock, type Deferred, type JsonObject } from '../../core/mod.js';
import type { ConfigurationToValidate, ValidityReport } from './api/mod.js';

type Listener = (event: ConfigurationToValidate) => void;

/**
 * Asks the components that listen whether the configuration that a deployment brings them is valid. As on the Java
 * nucleus, once one is asked, an answer is awaited from every component whose configuration changes: one that does not
 * listen fails the deployment when the time is over.
 */
export class ValidationGate {
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Listener>();
  readonly #answers = new Map<string, Deferred<ValidityReport>>();
  #deploymentId: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  listen(component: string, call: Listener): () => void {
    this.#listeners.set(component, call);
    return () => {
      if (this.#listeners.get(component) === call) this.#listeners.delete(component);
    };
  }

  /** @returns false where nobody waits for it */
  report(component: string, report: ValidityReport): boolean {
    const answer = report.deploymentId === this.#deploymentId ? this.#answers.get(component) : undefined;
    if (answer === undefined) return false;
    this.#answers.delete(component);
    answer.resolve(report);
    return true;
  }

  /** @returns why the deployment must not go on, in the nucleus' words */
  async ask(
    deploymentId: string,
    changed: ReadonlyMap<string, JsonObject>,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<string | undefined> {
    const asked = [...changed].filter(([name]) => this.#listeners.has(name));
    if (asked.length === 0) return undefined;
    this.#deploymentId = deploymentId;
    for (const name of changed.keys()) this.#answers.set(name, deferred());
    const answers = [...this.#answers].map(async ([name, { promise }]) => ({ name, report: await promise }));
    try {
      for (const [name, configuration] of asked) this.#listeners.get(name)?.({ deploymentId, configuration });
      const reports = await within(this.#clock, timeoutMs, Promise.all(answers), { signals: [signal] });
      const refused = reports.filter(({ report }) => report.status === 'REJECTED');
      if (refused.length === 0) return undefined;
      const said = refused.map(
        ({ name, report }) => ` { name = ${name}, message = ${report.message ?? null} }`,
      );
      return `Components reported that their to-be-deployed configuration is invalid${said.join('')}`;
    } catch {
      return 'Error while waiting for validation report for one or more components:null';
    } finally {
      this.#answers.clear();
      this.#deploymentId = undefined;
    }
  }
}
