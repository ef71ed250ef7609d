import { STABLE } from '../../contract/mod.js';
import { messageOf, toEdgeError, type EdgeError, type Logger } from '../../core/mod.js';
import { readAnnounced } from '../packages/mod.js';
import { keyOf } from '../plan/mod.js';
import { findVersion, type Registry, type VersionRecord } from '../registry/mod.js';
import type { AdmissionRules } from './admission-rules.js';
import type { LoadSpecs } from './load-specs.js';
import type { TrustWatch } from './trust-watch.js';

export interface UnadmittedOptions {
  readonly registry: Pick<Registry, 'state'>;
  readonly logger: Logger;
  readonly specs: Pick<LoadSpecs, 'folderOf'>;
  readonly rules: Pick<AdmissionRules, 'checkServed'>;
  readonly trust: Pick<TrustWatch, 'flawOf'>;
}

/**
 * What serves although no door would let it in today: an earlier agent admitted it by fewer rules, or an agent was
 * taken back to a version that is older than a package asks for. An update takes no model from a device: it serves
 * on, and the log and the heartbeat say why it should be replaced.
 */
export class Unadmitted {
  readonly #options: UnadmittedOptions;
  readonly #flaws = new Map<string, { readonly digest: string; readonly error: EdgeError }>();

  constructor(options: UnadmittedOptions) {
    this.#options = options;
  }

  /** Looks at everything that serves, once, when the agent starts. */
  async look(): Promise<void> {
    const { state } = this.#options.registry;
    for (const [model, { labels, versions }] of Object.entries(state.models)) {
      const stable = labels[STABLE];
      const record = stable === undefined ? undefined : versions[stable];
      if (record !== undefined) await this.#lookAt(model, record);
    }
  }

  /** Why no door would let it in; undefined: nothing is against it. */
  reasonOf(model: string, version: string): string | undefined {
    const flaw = this.#flaws.get(keyOf(model, version));
    // Other content under the same version came in by the rules.
    const same = findVersion(this.#options.registry.state, model, version)?.digest === flaw?.digest;
    const broken = same ? flaw?.error : undefined;
    return (this.#options.trust.flawOf(model, version) ?? broken)?.message;
  }

  async #lookAt(model: string, record: VersionRecord): Promise<void> {
    const { logger, specs, rules } = this.#options;
    const { version, digest } = record;
    const announced = await readAnnounced(specs.folderOf(model, record)).catch((thrown: unknown) => {
      logger.debug('A served package cannot be looked at', { model, version, reason: messageOf(thrown) });
      return undefined;
    });
    if (announced === undefined) return;
    try {
      rules.checkServed(model, announced, record);
    } catch (thrown) {
      const error = toEdgeError(thrown);
      this.#flaws.set(keyOf(model, version), { digest, error });
      logger.error('A model serves on that would not be admitted today', {
        model,
        version,
        reason: error.message,
        nextStep: 'Deploy a version that passes admission',
      });
    }
  }
}
