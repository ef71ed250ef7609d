import { STABLE } from '../../contract/mod.js';
import { EdgeError, messageOf, SerialQueue, toEdgeError, type Clock, type Logger } from '../../core/mod.js';
import { checkPackageSignature, type PackageTrust } from '../../model/mod.js';
import { trustOf, type ConfigurationHolder } from '../config/mod.js';
import { keyOf } from '../plan/mod.js';
import { findVersion, type Registry, type VersionRecord } from '../registry/mod.js';
import type { Machine } from './context.js';
import type { LoadSpecs } from './load-specs.js';

export interface TrustWatchOptions {
  readonly registry: Pick<Registry, 'state'>;
  readonly configuration: Pick<ConfigurationHolder, 'current'>;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly machine: Pick<Machine, 'clockSynchronised'>;
  readonly logger: Logger;
  readonly trustedKeys: () => Promise<readonly string[]>;
  readonly specs: Pick<LoadSpecs, 'folderOf'>;
  /** What may serve has changed. */
  readonly onChange: () => void;
}

interface Flaw {
  readonly digest: string;
  readonly error: EdgeError;
}

/** Verdicts on a signature; what else keeps a package from being read says nothing about trust. */
const VERDICTS: ReadonlySet<string> = new Set(['PACKAGE_REVOKED', 'PACKAGE_REFUSED_SIGNATURE']);

/**
 * What the signatures of admitted versions are worth today: keys come and go, are limited in time, and are revoked,
 * as packages are. Admission asks once; this looks again whenever the answer may have changed. A version that would
 * not be admitted any more serves on, since a slip in a list of keys must not silence a fleet: log, listings and
 * heartbeat tell of it. A revoked one is unloaded only where `signature.unloadRevoked` says so.
 */
export class TrustWatch {
  readonly #options: TrustWatchOptions;
  readonly #turns = new SerialQueue();
  #flaws: ReadonlyMap<string, Flaw> = new Map();
  #looked = '';

  constructor(options: TrustWatchOptions) {
    this.#options = options;
  }

  /** Looks at all admitted versions where keys, limits, revocations or times have changed since the last look. */
  async check(): Promise<void> {
    await this.#turns.run(async () => {
      const { trust, problem } = await this.#trust();
      const state = JSON.stringify([trust, problem, this.#phases()]);
      if (state === this.#looked) return;
      this.#looked = state;
      if (problem !== '') this.#options.logger.error('Trusted keys cannot be read', { reason: problem });
      await this.#look(trust);
    });
  }

  /** Why it would not be admitted today; undefined: nothing is against it. */
  flawOf(model: string, version: string): EdgeError | undefined {
    const flaw = this.#flaws.get(keyOf(model, version));
    // Other content under the same version came in by the rules.
    const same = findVersion(this.#options.registry.state, model, version)?.digest === flaw?.digest;
    return same ? flaw?.error : undefined;
  }

  isRevoked(model: string, version: string): boolean {
    return this.flawOf(model, version)?.reason === 'PACKAGE_REVOKED';
  }

  /** @throws EdgeError PACKAGE_REVOKED */
  checkRevoked(model: string, { version }: Pick<VersionRecord, 'version'>): void {
    const flaw = this.flawOf(model, version);
    if (flaw?.reason === 'PACKAGE_REVOKED') throw flaw;
  }

  /** Revoked, where the configuration wants such unloaded. */
  isBarred(model: string, version: string): boolean {
    return (
      this.#options.configuration.current.signature.unloadRevoked === true && this.isRevoked(model, version)
    );
  }

  /** @throws EdgeError PACKAGE_REVOKED where the version is barred */
  checkBarred(model: string, { version }: Pick<VersionRecord, 'version'>): void {
    const flaw = this.flawOf(model, version);
    if (flaw === undefined || !this.isBarred(model, version)) return;
    throw new EdgeError('PACKAGE_REVOKED', `Cannot serve ${keyOf(model, version)}: ${flaw.message}`, {
      nextStep: 'Deploy another version',
    });
  }

  /** Without keys only packages that are revoked by name can be told. */
  async #trust(): Promise<{ readonly trust: PackageTrust; readonly problem: string }> {
    const { configuration, trustedKeys } = this.#options;
    try {
      return { trust: trustOf(configuration.current, await trustedKeys()), problem: '' };
    } catch (thrown) {
      return { trust: { ...trustOf(configuration.current, []), policy: 'off' }, problem: messageOf(thrown) };
    }
  }

  /** Which limits of time have begun and ended, and whether times count at all. */
  #phases(): readonly unknown[] {
    const { configuration, machine, clock } = this.#options;
    if (!machine.clockSynchronised()) return [];
    const { keyRules = [], unloadRevoked } = configuration.current.signature;
    const nowMs = clock.wallMs();
    const passed = (time: string | undefined): boolean => time !== undefined && Date.parse(time) < nowMs;
    const times = keyRules.map(({ validFrom, validUntil }) => [passed(validFrom), passed(validUntil)]);
    return [unloadRevoked, ...times];
  }

  async #look(trust: PackageTrust): Promise<void> {
    const { registry } = this.#options;
    const found = new Map<string, Flaw>();
    for (const [model, { versions, labels }] of Object.entries(registry.state.models)) {
      for (const record of Object.values(versions).filter(({ admitted }) => admitted)) {
        const error = await this.#verdict(model, record, trust);
        if (error === undefined) continue;
        const key = keyOf(model, record.version);
        found.set(key, { digest: record.digest, error });
        if (this.#flaws.get(key)?.error.message !== error.message)
          this.#tell(model, record, error, labels[STABLE] === record.version);
      }
    }
    this.#flaws = found;
    this.#options.onChange();
  }

  async #verdict(model: string, record: VersionRecord, trust: PackageTrust): Promise<EdgeError | undefined> {
    const { specs, machine, clock, logger } = this.#options;
    const nowMs = machine.clockSynchronised() ? clock.wallMs() : undefined;
    try {
      await checkPackageSignature(specs.folderOf(model, record), record.digest, { trust, nowMs });
      return undefined;
    } catch (thrown) {
      const error = toEdgeError(thrown);
      if (VERDICTS.has(error.reason)) return error;
      const { version } = record;
      logger.debug('A package cannot be looked at', { model, version, reason: error.message });
      return undefined;
    }
  }

  #tell(model: string, { version, digest }: VersionRecord, error: EdgeError, serves: boolean): void {
    const { logger, configuration } = this.#options;
    const revoked = error.reason === 'PACKAGE_REVOKED';
    const what = revoked ? 'A revoked model' : 'A model that would not be admitted today';
    const leaves = revoked && configuration.current.signature.unloadRevoked === true;
    const fields = { model, version, digest, reason: error.message, nextStep: error.nextStep };
    if (leaves) logger.error(`${what} is unloaded`, fields);
    else if (serves) logger.error(`${what} serves on`, fields);
    else logger.warn(`${what} is kept beside the one that serves`, fields);
  }
}
