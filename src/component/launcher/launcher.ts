import { fork, type ChildProcess } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { EdgeError, fullJitterMs, type Clock, type Logger, type Random } from '../../core/mod.js';
import { watchAlive } from './alive.js';
import { EXIT_PERMANENT } from './exit-codes.js';

/** The nucleus kills 5 s after SIGTERM; the worker ends within 4 s. */
const STOP_MS = 4500;
const SOCKET = 'AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT';
const BACKOFF = { baseMs: 250, capMs: 10_000 };
/** A worker that lived this long starts anew without delay, and so does one that ends early for the first time. */
const STABLE_MS = 60_000;
/** What a new start did not mend is tried again this often, where the component may not end. */
const UNMENDED_MS = 300_000;
/** Tells the worker how often it was started. */
export const STARTS_VARIABLE = 'EDGE_MANAGER_STARTS';

export interface LauncherOptions {
  /** What a person calls the component, as in "Cannot start the agent". */
  readonly title: string;
  /** What a person calls the worker, as in "Control process ended". */
  readonly worker: string;
  /** The worker's entry, absolute. */
  readonly entry: string;
  /** For the worker's Node, after the launcher's own. */
  readonly nodeFlags?: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Aborts on SIGTERM or SIGINT. */
  readonly stop: AbortSignal;
  /** Whether the component may end because a new start of the worker would not help. */
  readonly mayEnd: () => Promise<boolean>;
}

/**
 * Keeps the worker, the process that does a component's work, running. Its crashes and hangs are absorbed here:
 * three errors of the component within an hour would make it BROKEN for good. Ends only when it is told to, or
 * when starting again would not help, and that once an hour at most. The worker must call {@link tellAlive}.
 * @returns the component's exit code
 */
export async function runLauncher(options: LauncherOptions): Promise<number> {
  const { clock, random, logger, stop } = options;
  checkEnvironment(options);
  await checkSocket(options);
  let quickEnds = 0;
  for (let starts = 1; !stop.aborted; starts++) {
    const startedMs = clock.monotonicMs();
    const { code, signal } = await runWorker(options, starts);
    if (stop.aborted) return code ?? 0;
    // The worker has said why.
    if (code === EXIT_PERMANENT) {
      if (await options.mayEnd()) return 1;
      logger.error(`${options.worker} cannot go on, and the component has ended within the hour: it waits`, {
        delayMs: UNMENDED_MS,
      });
      await clock.sleep(UNMENDED_MS, stop).catch(() => undefined);
      continue;
    }
    quickEnds = clock.monotonicMs() - startedMs >= STABLE_MS ? 0 : quickEnds + 1;
    const delayMs = quickEnds <= 1 ? 0 : BACKOFF.baseMs / 2 + fullJitterMs(quickEnds - 1, BACKOFF, random);
    logger.error(`${options.worker} ended: starting it again`, { code, signal, starts, delayMs });
    await clock.sleep(delayMs, stop).catch(() => undefined);
  }
  return 0;
}

/** What is missing now will not come: Greengrass gives it before it starts a component. */
function checkEnvironment({ title, environment }: LauncherOptions): void {
  for (const name of [SOCKET, 'SVCUID']) {
    if ((environment[name] ?? '') === '') {
      throw new EdgeError('ENVIRONMENT_UNFIT', `Cannot start ${title} as ${name} is not set`, {
        nextStep: 'Run this program as a Greengrass component',
      });
    }
  }
}

/** A nucleus that restarts has none for a moment: the worker waits for it where the component may not end. */
async function checkSocket({ title, environment, mayEnd, logger }: LauncherOptions): Promise<void> {
  const path = environment[SOCKET] ?? '';
  const info = await stat(path).catch(() => undefined);
  if (info?.isSocket() === true) return;
  const missing = `there is no Greengrass socket at ${path}`;
  const nextStep = 'Check that the nucleus runs and that this user may open its socket';
  if (await mayEnd()) {
    throw new EdgeError('ENVIRONMENT_UNFIT', `Cannot start ${title} as ${missing}`, { nextStep });
  }
  logger.error(`The component has ended within the hour: it waits, as ${missing}`, { nextStep });
}

async function runWorker(
  { worker, entry, nodeFlags = [], environment, stop, clock, logger }: LauncherOptions,
  starts: number,
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const child = fork(entry, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [...process.execArgv, ...nodeFlags],
    env: { ...environment, [STARTS_VARIABLE]: String(starts) },
  });
  const forward = (): void => end(child, clock);
  stop.addEventListener('abort', forward, { once: true });
  const alive = watchAlive(clock, (silentMs) => {
    logger.error(`${worker} hangs: ending it`, { silentMs });
    child.kill('SIGKILL');
  });
  child.on('message', () => alive.heard());
  try {
    return await new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', () => resolve({ code: 1, signal: null }));
      if (stop.aborted) forward();
    });
  } finally {
    alive.close();
    stop.removeEventListener('abort', forward);
  }
}

function end(child: ChildProcess, clock: Clock): void {
  child.kill('SIGTERM');
  clock.after(STOP_MS, () => child.kill('SIGKILL'), { unref: true });
}
