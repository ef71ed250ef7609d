import { toEdgeError } from '../../src/core/mod.js';
import { nodeDisk, nodeFiles } from '../../src/disk/mod.js';
import { stdoutLogger, systemClock, systemRandom } from '../../src/system/mod.js';
import { connectGreengrass } from '../../src/ipc/greengrass/mod.js';
import { EXIT_PERMANENT, tellAlive } from '../../src/process/mod.js';
import { runCaptureUploader } from '../../src/upload/mod.js';

/** Greengrass kills 5 s after SIGTERM: what has not ended by itself is ended before. */
const LAST_MOMENT_MS = 4_000;

process.umask(0o077);
const logger = stdoutLogger();
const stop = new AbortController();
const end = (): void => {
  stop.abort();
  systemClock.after(LAST_MOMENT_MS, () => process.exit(0), { unref: true });
};
process.once('SIGTERM', end);
process.once('SIGINT', end);
tellAlive(systemClock, end);

async function main(): Promise<void> {
  const common = { clock: systemClock, random: systemRandom, logger };
  await using greengrass = await connectGreengrass(common);
  await runCaptureUploader({
    ...common,
    greengrass,
    disk: nodeDisk,
    files: nodeFiles,
    environment: process.env,
    workFolder: process.cwd(),
    stop: stop.signal,
  });
}

/** With this SVCUID it will be refused again: Greengrass has to start the component anew. */
const PERMANENT = 'PERMISSION_DENIED';

try {
  await main();
  logger.info('Stopped');
  process.exit(0);
} catch (thrown) {
  const { code, message, nextStep } = toEdgeError(thrown);
  logger.error(message, { code, ...(nextStep === undefined ? {} : { nextStep }) });
  if (stop.signal.aborted) process.exit(0);
  process.exit(code === PERMANENT ? EXIT_PERMANENT : 1);
}
