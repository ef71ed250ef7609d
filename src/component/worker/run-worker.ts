import { toEdgeError, type EdgeError } from '../../core/mod.js';
import { stdoutLogger, systemClock, systemRandom } from '../../system/mod.js';
import { EXIT_PERMANENT, tellAlive } from '../launcher/mod.js';
import type { Component, Worker } from './component.js';
import { runComponent } from './run-component.js';

/** Greengrass kills 5 s after SIGTERM: what has not ended by itself is ended before. */
const LAST_MOMENT_MS = 4000;

export interface WorkerOptions {
  /** In each line of the log. */
  readonly name: string;
  /** What a person calls the component, as in "Cannot run the agent". */
  readonly title: string;
  /** Errors that a new start of the process would meet again. Default: a refused SVCUID. */
  readonly permanent?: readonly EdgeError['code'][];
  readonly start: (worker: Worker) => Promise<Component>;
}

/** The main program of the process below the launcher, which does the component's work. Ends the process. */
export async function runWorker(options: WorkerOptions): Promise<never> {
  process.umask(0o077);
  const { name, title, permanent = ['PERMISSION_DENIED'], start } = options;
  const logger = stdoutLogger().with({ component: name });
  const stop = stopSignal();
  const worker = {
    clock: systemClock,
    random: systemRandom,
    logger,
    environment: process.env,
    workFolder: process.cwd(),
    stop,
  };
  let code = 0;
  try {
    await runComponent(worker, start);
    logger.info('Stopped');
  } catch (thrown) {
    const error = toEdgeError(thrown, `Cannot run ${title}`);
    const { nextStep } = error;
    logger.error(error.message, { code: error.code, ...(nextStep === undefined ? {} : { nextStep }) });
    if (!stop.aborted) code = permanent.includes(error.code) ? EXIT_PERMANENT : 1;
  }
  // The IPC client keeps handles that nothing can end.
  process.exit(code);
}

/** Aborts when the nucleus or a person wants the end, or the launcher has ended. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const end = (reason: string): void => {
    stop.abort(new Error(reason));
    systemClock.after(LAST_MOMENT_MS, () => process.exit(0), { unref: true });
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(signal));
  tellAlive(systemClock, () => end('The launcher has ended'));
  return stop.signal;
}
