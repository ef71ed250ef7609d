import type { CaptureSink } from '../../capture/mod.js';
import { MEBIBYTE, messageOf, type Clock, type Logger, type Random } from '../../core/mod.js';
import {
  hostSettingsOf,
  wantsSpareHost,
  type Configuration,
  type ConfigurationHolder,
} from '../config/mod.js';
import { createModelHosts, type SpawnDetails } from '../host/mod.js';
import type { Confinement } from '../host/confinement/mod.js';
import type { HostedModel, HostFolders, LoadSpec, ModelHosts } from '../host/port/mod.js';

export interface ConfiguredHostsOptions {
  readonly configuration: ConfigurationHolder;
  readonly spawn: SpawnDetails;
  /** Where hosts find what is theirs, with the wanted place for exchange folders. */
  readonly folders: (exchangeFolder: string) => HostFolders;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sampled: CaptureSink;
}

/**
 * Model hosts with the settings in force. A change makes new hosts for what is loaded from then on; the agent
 * loads its models again there, beside the former ones, which end with their last request.
 */
export class ConfiguredHosts implements ModelHosts {
  readonly #options: ConfiguredHostsOptions;
  readonly #former = new Set<ModelHosts>();
  /** Loaded models by the hosts that hold them. */
  readonly #loaded = new Map<ModelHosts, number>();
  #formerRestarts = 0;
  #current: ModelHosts;

  constructor(options: ConfiguredHostsOptions) {
    this.#options = options;
    this.#current = this.#make(options.configuration.current);
    options.configuration.onChange((now, before) => {
      if (JSON.stringify(hostSettingsOf(now)) === JSON.stringify(hostSettingsOf(before))) return;
      this.renew(now);
    });
  }

  /** Whatever is loaded from now on gets new hosts, beside the former ones. */
  renew(configuration = this.#options.configuration.current): void {
    const former = this.#current;
    this.#former.add(former);
    this.#current = this.#make(configuration);
    this.#endIfEmpty(former);
  }

  get restarts(): number {
    const former = [...this.#former].reduce((sum, { restarts }) => sum + restarts, 0);
    return this.#formerRestarts + former + this.#current.restarts;
  }

  get confinement(): Confinement | undefined {
    return this.#current.confinement;
  }

  get spareBytes(): number | undefined {
    return this.#current.spareBytes;
  }

  async load(spec: LoadSpec): Promise<HostedModel> {
    const hosts = this.#current;
    this.#count(hosts, 1);
    try {
      const hosted = await hosts.load(spec);
      void hosted.gone.then(() => this.#count(hosts, -1));
      return hosted;
    } catch (thrown) {
      this.#count(hosts, -1);
      throw thrown;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#former, this.#current].map((hosts) => hosts.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #count(hosts: ModelHosts, by: number): void {
    this.#loaded.set(hosts, (this.#loaded.get(hosts) ?? 0) + by);
    this.#endIfEmpty(hosts);
  }

  #endIfEmpty(hosts: ModelHosts): void {
    if (!this.#former.has(hosts) || (this.#loaded.get(hosts) ?? 0) > 0) return;
    this.#former.delete(hosts);
    this.#loaded.delete(hosts);
    this.#formerRestarts += hosts.restarts;
    hosts.close().catch((thrown: unknown) => {
      this.#options.logger.warn('Former model hosts did not end cleanly', { reason: messageOf(thrown) });
    });
  }

  #make(configuration: Configuration): ModelHosts {
    const { spawn, folders, cores, memoryBytes, clock, random, logger, sampled } = this.#options;
    const settings = hostSettingsOf(configuration);
    const { isolation, profile, threadBudget, maxHostMb, loadTimeoutMs } = settings;
    return createModelHosts(
      {
        isolation,
        profile,
        threadBudget: threadBudget === 0 ? cores : threadBudget,
        ...(maxHostMb === 0 ? {} : { maxHostBytes: maxHostMb * MEBIBYTE }),
        loadTimeoutMs,
        confinement: settings.hostConfinement,
        folders: folders(settings.exchangeFolder),
        spareHost: wantsSpareHost(settings, memoryBytes),
        engines: settings.engines,
      },
      { spawn, clock, random, logger, sampled },
    );
  }
}
