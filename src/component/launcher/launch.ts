import { messageOf, type Logger } from '../../core/mod.js';
import { dirname, join, nodeFiles } from '../../disk/mod.js';
import {
  NATIVE_FOLDER_VARIABLE,
  nativeFolder,
  placeNativeFiles,
  stdoutLogger,
  systemClock,
  systemRandom,
} from '../../system/mod.js';
import { Exits } from './exits.js';
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
  const parent = process.ppid;
  const exits = new Exits({
    file: join(process.cwd(), 'last-exit'),
    files: nodeFiles,
    clock: systemClock,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => stop.abort(new Error(signal)));
  const native = nativeFolder(process.env, process.cwd());
  try {
    placeNatives(dirname(options.entry), native, logger);
    process.exitCode = await runLauncher({
      ...options,
      environment: { ...process.env, ...environment, [NATIVE_FOLDER_VARIABLE]: native },
      clock: systemClock,
      random: systemRandom,
      logger,
      stop: stop.signal,
      // Nobody counts the ends of what a nucleus that died has left behind.
      mayEnd: async () => process.ppid !== parent || (await exits.mayEnd()),
    });
  } catch (thrown) {
    logger.error(messageOf(thrown));
    process.exitCode = 1;
  }
}

/** What goes wrong here the worker meets too, and is started again for. */
function placeNatives(beside: string, folder: string, logger: Logger): void {
  try {
    placeNativeFiles(beside, folder);
  } catch (thrown) {
    logger.warn(messageOf(thrown));
  }
}
