import {
  openSpool,
  type CaptureSink,
  type CaptureSpool,
  type SpoolPolicyOptions,
} from '../../capture/mod.js';
import { MEBIBYTE, messageOf, type Clock, type Logger, type Random } from '../../core/mod.js';
import { join, nodeDisk } from '../../disk/mod.js';
import { nextTurn, readBootIdentity } from '../../system/mod.js';
import type { Machine } from '../agent/mod.js';
import type { Configuration, ConfigurationHolder } from '../config/mod.js';

/** Object keys need a fleet; a device that nobody gave one is found under this. */
const NO_FLEET = 'unassigned';

export interface ConfiguredSpoolOptions {
  readonly configuration: ConfigurationHolder;
  readonly machine: Machine;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The spool under the configuration in force, also after a change of it. */
export async function openConfiguredSpool(options: ConfiguredSpoolOptions): Promise<CaptureSpool> {
  const { machine, clock, random, logger, configuration } = options;
  const spool = await openSpool({
    root: join(machine.workFolder, 'spool'),
    disk: nodeDisk,
    clock,
    random,
    log: logger,
    boot: await readBootIdentity(),
    turn: nextTurn,
    clockSynchronised: () => machine.clockSynchronised(),
    ...policyOf(configuration.current, machine),
  });
  configuration.onChange((now, before) => {
    const policy = policyOf(now, machine);
    if (JSON.stringify(policy) !== JSON.stringify(policyOf(before, machine))) spool.configure(policy);
  });
  return spool;
}

/** The spool counts each drop; prediction goes on whatever happens to a record. */
export function intoSpool(spool: Pick<CaptureSpool, 'append'>, logger: Logger): CaptureSink {
  return (record) => {
    const { captureId } = record;
    spool.append(record).catch((thrown: unknown) => {
      logger.error('A sampled record was lost', { captureId, reason: messageOf(thrown) });
    });
  };
}

function policyOf({ capture, fleet, deviceName }: Configuration, { thingName }: Machine): SpoolPolicyOptions {
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
        ? { mode: 'durable', pauseMs: capture.wearMs }
        : { mode: 'interval', windowMs: capture.intervalMs },
    pushPeriodMs: capture.pushPeriodSeconds * 1000,
    quotas: {
      error: quota(capture.quotaMb.error),
      outlier: quota(capture.quotaMb.outlier),
      sample: quota(capture.quotaMb.sample),
    },
  };
}
