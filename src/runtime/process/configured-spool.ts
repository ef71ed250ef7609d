import { join } from 'node:path';
import { openSpool, type AppendOutcome, type CaptureRecord, type CaptureSpool } from '../../capture/mod.js';
import type { CaptureStats } from '../../contract/mod.js';
import {
  Listeners,
  MEBIBYTE,
  messageOf,
  SerialQueue,
  type Clock,
  type Logger,
  type Random,
} from '../../core/mod.js';
import { nodeDisk } from '../../disk/mod.js';
import { readBootIdentity } from '../../system/mod.js';
import type { Machine } from '../agent/mod.js';
import type { Configuration, ConfigurationHolder } from '../config/mod.js';

/** Object keys need a fleet; a device that nobody gave one is found under this. */
const NO_FLEET = 'unassigned';

type Open = (configuration: Configuration) => Promise<CaptureSpool>;
type ClosedListener = Parameters<CaptureSpool['onClosed']>[0];
type StateListener = Parameters<CaptureSpool['onState']>[0];

export interface ConfiguredSpoolOptions {
  readonly configuration: ConfigurationHolder;
  readonly machine: Machine;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * The spool with the configuration in force. What stands in segment headers (fleet, prefix, batch size) and how
 * it commits is fixed when a spool is opened, so a change closes it and opens it anew; records that come
 * meanwhile wait. All that was acknowledged stands in files, which the new one finds.
 */
export async function openConfiguredSpool(options: ConfiguredSpoolOptions): Promise<CaptureSpool> {
  const boot = await readBootIdentity();
  const { machine, clock, random, logger, configuration } = options;
  const open: Open = async (current) =>
    await openSpool({
      root: join(machine.workFolder, 'spool'),
      disk: nodeDisk,
      clock,
      random,
      log: logger,
      boot,
      clockSynchronised: () => machine.clockSynchronised(),
      ...spoolSettingsOf(current, machine.thingName),
    });
  const spool = new ConfiguredSpool(await open(configuration.current), open, logger);
  configuration.onChange((now, before) => {
    if (settingsKey(now, machine) !== settingsKey(before, machine)) spool.reopen(now);
  });
  return spool;
}

function settingsKey(configuration: Configuration, { thingName }: Machine): string {
  return JSON.stringify(spoolSettingsOf(configuration, thingName));
}

function spoolSettingsOf({ capture, fleet, deviceName }: Configuration, thingName: string) {
  const quota = (megabytes: number) => ({ bytes: megabytes * MEBIBYTE, policy: capture.atQuota });
  return {
    layout: {
      prefix: capture.folderPrefix,
      fleet: fleet ?? NO_FLEET,
      device: deviceName ?? thingName,
      batchSize: capture.batchSize,
      embedLimitBytes: capture.embedLimit,
      referenceBase: '',
    },
    commit:
      capture.mode === 'durable'
        ? ({ mode: 'durable', pauseMs: capture.wearMs } as const)
        : ({ mode: 'interval', windowMs: capture.intervalMs } as const),
    pushPeriodMs: capture.pushPeriodSeconds * 1000,
    quotas: {
      error: quota(capture.quotaMb.error),
      outlier: quota(capture.quotaMb.outlier),
      sample: quota(capture.quotaMb.sample),
    },
  };
}

class ConfiguredSpool implements CaptureSpool {
  readonly #open: Open;
  readonly #logger: Logger;
  readonly #closedListeners = new Listeners<Parameters<ClosedListener>>();
  readonly #stateListeners = new Listeners<Parameters<StateListener>>();
  #current: CaptureSpool;
  readonly #changes = new SerialQueue();
  #isClosed = false;

  constructor(current: CaptureSpool, open: Open, logger: Logger) {
    this.#current = current;
    this.#open = open;
    this.#logger = logger;
    this.#listen(current);
  }

  reopen(configuration: Configuration): void {
    if (this.#isClosed) return;
    void this.#changes.run(async () => {
      try {
        await this.#current.close();
        this.#current = await this.#open(configuration);
        this.#listen(this.#current);
      } catch (thrown) {
        this.#logger.error('The spool cannot be opened: captures are refused', { reason: messageOf(thrown) });
      }
    });
  }

  async append(record: CaptureRecord): Promise<AppendOutcome> {
    // In the usual case without a hop: the order of records is the order of calls.
    if (this.#changes.isBusy) await this.#changes.idle();
    return await this.#current.append(record);
  }

  has(captureId: string): boolean {
    return this.#current.has(captureId);
  }

  status(captureId: string): ReturnType<CaptureSpool['status']> {
    return this.#current.status(captureId);
  }

  stats(): CaptureStats {
    return this.#current.stats();
  }

  health(): string | undefined {
    return this.#current.health();
  }

  onClosed(listener: ClosedListener): () => void {
    return this.#closedListeners.add(listener);
  }

  onState(listener: StateListener): () => void {
    return this.#stateListeners.add(listener);
  }

  async reconcile(): Promise<void> {
    await this.#changes.idle();
    await this.#current.reconcile();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#changes.idle();
    await this.#current.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #listen(spool: CaptureSpool): void {
    spool.onClosed((...told) => this.#closedListeners.tell(...told));
    spool.onState((...told) => this.#stateListeners.tell(...told));
  }
}
