import { messageOf } from '../../core/mod.js';
import { stdoutLogger, systemClock, systemRandom } from '../../system/mod.js';
import { runLauncher, type LauncherOptions } from './launcher.js';

export interface LaunchOptions extends Pick<LauncherOptions, 'title' | 'worker' | 'entry' | 'nodeFlags'> {
  /** In each line of the log. */
  readonly name: string;
  /** For the worker, beside the launcher's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A component's main program: the launcher with this machine's signals, clock and log, and its exit code. */
export async function launch({ name, environment, ...options }: LaunchOptions): Promise<void> {
  process.umask(0o077);
  const logger = stdoutLogger().with({ component: name });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => stop.abort(new Error(signal)));
  try {
    process.exitCode = await runLauncher({
      ...options,
      environment: { ...process.env, ...environment },
      clock: systemClock,
      random: systemRandom,
      logger,
      stop: stop.signal,
    });
  } catch (thrown) {
    logger.error(messageOf(thrown));
    process.exitCode = 1;
  }
}
