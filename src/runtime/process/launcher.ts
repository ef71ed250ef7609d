import { fork, type ChildProcess } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { EdgeError, fullJitterMs, type Clock, type Logger, type Random } from '../../core/mod.js';
import { watchAlive } from './alive.js';
import { EXIT_PERMANENT } from './exit-codes.js';

/** The nucleus kills 5 s after SIGTERM; the control process drains within 4 s. */
const STOP_MS = 4500;
const BACKOFF = { baseMs: 250, capMs: 10_000 };
/** A control process that lived this long starts anew without delay. */
const STABLE_MS = 60_000;

/**
 * The control process makes a lot of short-lived garbage and keeps little. Left alone, V8 and glibc let it grow
 * to three times of what it needs before they look: measured, 85 MB of private memory after 2,000 requests
 * against 37 MB, with the same latencies.
 */
const SMALL_HEAP = ['--max-semi-space-size=2', '--max-old-space-size=256'];
const SMALL_ARENAS = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '65536' };

export interface LauncherOptions {
  /** The control process's entry, absolute. */
  readonly entry: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Aborts on SIGTERM or SIGINT. */
  readonly stop: AbortSignal;
}

/**
 * Keeps the control process running. Its crashes and hangs are absorbed here: three errors of the component within an hour
 * would make it BROKEN for good. Ends only when it is told to, or when starting again would not help.
 * @returns the component's exit code
 */
export async function runLauncher(options: LauncherOptions): Promise<number> {
  const { clock, random, logger, stop } = options;
  await checkEnvironment(options.environment);
  let quickEnds = 0;
  for (let starts = 1; !stop.aborted; starts++) {
    const startedMs = clock.monotonicMs();
    const { code, signal } = await runControl(options, starts);
    if (stop.aborted) return code ?? 0;
    // The control process has said why.
    if (code === EXIT_PERMANENT) return 1;
    quickEnds = clock.monotonicMs() - startedMs >= STABLE_MS ? 0 : quickEnds + 1;
    const delayMs = quickEnds === 0 ? 0 : BACKOFF.baseMs / 2 + fullJitterMs(quickEnds, BACKOFF, random);
    logger.error('Control process ended: starting it again', { code, signal, starts, delayMs });
    await clock.sleep(delayMs, stop).catch(() => undefined);
  }
  return 0;
}

/** What is missing now will not come: Greengrass gives it before it starts a component. */
async function checkEnvironment(environment: LauncherOptions['environment']): Promise<void> {
  const socketName = 'AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT';
  for (const name of [socketName, 'SVCUID']) {
    if ((environment[name] ?? '') === '') {
      throw new EdgeError('FAILED_PRECONDITION', `Cannot start the agent as ${name} is not set`, {
        nextStep: 'Run this program as a Greengrass component',
      });
    }
  }
  const path = environment[socketName] ?? '';
  const info = await stat(path).catch(() => undefined);
  if (info?.isSocket() !== true) {
    throw new EdgeError(
      'FAILED_PRECONDITION',
      `Cannot start the agent as there is no Greengrass socket at ${path}`,
      {
        nextStep: 'Check that the nucleus runs and that this user may open its socket',
      },
    );
  }
}

async function runControl(
  { entry, args, environment, stop, clock, logger }: LauncherOptions,
  starts: number,
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const child = fork(entry, [...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [...process.execArgv, ...SMALL_HEAP],
    env: { ...environment, ...SMALL_ARENAS, EDGE_MANAGER_CONTROL_STARTS: String(starts) },
  });
  const forward = (): void => end(child, clock);
  stop.addEventListener('abort', forward, { once: true });
  const alive = watchAlive(clock, (silentMs) => {
    logger.error('Control process hangs: ending it', { silentMs });
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
