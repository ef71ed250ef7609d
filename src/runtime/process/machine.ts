import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { arch, availableParallelism, hostname, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../core/mod.js';
import { STARTS_VARIABLE } from '../../component/launcher/mod.js';
import type { Machine } from '../agent/mod.js';

/** No device of ours has a right clock that says less: a dead battery gives 1970, a first boot the image's build date. */
const EARLIEST_PLAUSIBLE_MS = Date.UTC(2026, 0, 1);
/** systemd-timesyncd touches this once the clock has been set from the network. */
const TIMESYNC_FILE = '/run/systemd/timesync/synchronized';
const RECHECK_MS = 5000;
const TIMESYNC_FOLDER = '/run/systemd/timesync';

/** What this process can tell of where it runs. */
export function thisMachine(
  workFolder: string,
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Machine {
  return {
    thingName: environment['AWS_IOT_THING_NAME'] ?? hostname(),
    platform: `${platform()}-${arch()}`,
    memoryBytes: totalmem(),
    cores: availableParallelism(),
    uid: process.getuid?.(),
    workFolder,
    exchangeRoots: (wanted) => exchangeRoots(wanted, workFolder),
    controlStarts: Number(environment[STARTS_VARIABLE] ?? '1') || 1,
    clockSynchronised: remembered(() => isClockSynchronised(clock), clock),
  };
}

/**
 * Below the wanted folder, by default /dev/shm, as tensors should never reach the disk; else in the work folder. One
 * name per work folder, so that a restart finds its own.
 */
function exchangeRoots(wanted: string, workFolder: string): readonly string[] {
  const name = createHash('sha256').update(workFolder).digest('hex').slice(0, 16);
  return [join(wanted, `edgemanager-${process.getuid?.() ?? 0}-${name}`), join(workFolder, 'exchange')];
}

/** Asked with each prediction: looks at the disk now and then only. */
function remembered(ask: () => boolean, clock: Clock): () => boolean {
  let answer = ask();
  let askedMs = clock.monotonicMs();
  return () => {
    const now = clock.monotonicMs();
    if (now - askedMs >= RECHECK_MS) {
      answer = ask();
      askedMs = now;
    }
    return answer;
  };
}

/** Where timesyncd runs it knows; elsewhere a plausible year has to do. */
function isClockSynchronised(clock: Clock): boolean {
  if (clock.wallMs() < EARLIEST_PLAUSIBLE_MS) return false;
  return !existsSync(TIMESYNC_FOLDER) || existsSync(TIMESYNC_FILE);
}
