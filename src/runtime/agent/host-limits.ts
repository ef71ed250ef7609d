import { MEBIBYTE, messageOf, type Logger } from '../../core/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';
import type { HostedModel } from '../host/port/mod.js';
import { findVersion, type Registry } from '../registry/mod.js';
import type { Machine } from './context.js';
import type { Slot } from './slot.js';

/** A host may grow to this many times of what its model took once it was loaded and had run its samples. */
const GROWTH = 4;
/** Inputs of a small model may need more than the model itself. */
const LEAST_MB = 256;
/** What one load may take of the machine's memory: beyond it the machine itself would be in need. */
const LOAD_SHARE = 0.75;

/** What a host may take, in MiB, whose model took so many bytes when it was admitted. */
export function hostLimitMb(measuredBytes: number): number {
  return Math.max(LEAST_MB, Math.ceil((GROWTH * measuredBytes) / MEBIBYTE));
}

/** What a host may take while it loads a package that is new here; undefined: the configuration decides. */
export function loadLimitBytes(
  { maxHostMb }: { readonly maxHostMb?: number },
  { memoryBytes }: Pick<Machine, 'memoryBytes'>,
): number | undefined {
  return maxHostMb === undefined ? Math.floor(LOAD_SHARE * memoryBytes) : undefined;
}

export interface HostLimitsOptions {
  readonly registry: Pick<Registry, 'state'>;
  readonly configuration: Pick<ConfigurationHolder, 'current'>;
  readonly logger: Logger;
}

/**
 * What hosts may take where the configuration names no limit: it follows from what the package took when it was
 * admitted. A version that an earlier agent admitted was never measured so: it is held against what it took when it
 * was loaded, and serves on where it outgrows that, with an error line and a flag in the heartbeat.
 */
export class HostLimits {
  readonly #options: HostLimitsOptions;
  /** By key of a version: what it took when it was loaded, and whether it has outgrown that. */
  readonly #unmeasured = new Map<string, { readonly limitMb: number; outgrown?: string }>();

  constructor(options: HostLimitsOptions) {
    this.#options = options;
  }

  /** A version is in memory, or the configuration has changed. */
  apply(slot: Pick<Slot, 'key' | 'model' | 'version'>, hosted: Pick<HostedModel, 'limitMemory'>): void {
    const { logger } = this.#options;
    const limitMb = this.#isDerived ? this.#recordedMb(slot) : undefined;
    hosted.limitMemory(limitMb === undefined ? undefined : limitMb * MEBIBYTE).catch((thrown: unknown) => {
      logger.debug('The host has gone before it got its limit', {
        model: slot.key,
        reason: messageOf(thrown),
      });
    });
  }

  /** Looks at what is in memory, once it was measured. */
  look(slots: readonly Pick<Slot, 'key' | 'model' | 'version' | 'hosted' | 'bytes'>[]): void {
    for (const slot of slots) {
      const isHeld = slot.hosted === undefined || slot.bytes === 0;
      if (isHeld || !this.#isDerived || this.#recordedMb(slot) !== undefined) continue;
      this.#hold(slot);
    }
  }

  /** Why a version would not serve on as it does under today's rules; undefined: nothing is against it. */
  reasonOf(key: string): string | undefined {
    return this.#isDerived ? this.#unmeasured.get(key)?.outgrown : undefined;
  }

  get keys(): readonly string[] {
    return [...this.#unmeasured.keys()];
  }

  forget(key: string): void {
    this.#unmeasured.delete(key);
  }

  #hold({ key, bytes }: Pick<Slot, 'key' | 'bytes'>): void {
    const known = this.#unmeasured.get(key) ?? { limitMb: hostLimitMb(bytes) };
    this.#unmeasured.set(key, known);
    if (known.outgrown !== undefined || bytes <= known.limitMb * MEBIBYTE) return;
    known.outgrown = `Its host takes ${Math.ceil(bytes / MEBIBYTE)} MB: a version that is admitted today would be ended at ${known.limitMb} MB`;
    this.#options.logger.error('A model takes more memory than its next version will be given', {
      model: key,
      reason: known.outgrown,
      nextStep: 'Set maxHostMb to what it needs, or 0 for no limit',
    });
  }

  get #isDerived(): boolean {
    return this.#options.configuration.current.maxHostMb === undefined;
  }

  #recordedMb({ model, version }: Pick<Slot, 'model' | 'version'>): number | undefined {
    return findVersion(this.#options.registry.state, model, version)?.hostLimitMb;
  }
}
