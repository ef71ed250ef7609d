import { messageOf } from '../core/mod.js';
import { stdoutLogger, systemClock, systemRandom } from '../system/mod.js';
import { runLauncher, type LauncherOptions } from './launcher.js';

/** A component's main process: the launcher with this machine's signals, clock and log, and its exit code. */
export async function launch(
  options: Pick<LauncherOptions, 'component' | 'worker' | 'entry' | 'nodeFlags' | 'environment'>,
  logFields: Readonly<Record<string, string>> = {},
): Promise<void> {
  process.umask(0o077);
  const logger = stdoutLogger().with(logFields);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => stop.abort(new Error(signal)));
  try {
    process.exitCode = await runLauncher({
      ...options,
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
