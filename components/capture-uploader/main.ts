import { toEdgeError } from '../../src/core/mod.js';
import { nodeDisk, nodeFiles, stdoutLogger, systemClock, systemRandom } from '../../src/fs/mod.js';
import { connectGreengrass } from '../../src/ipc/greengrass.js';
import { runCaptureUploader } from '../../src/upload/mod.js';

/** Greengrass kills 5 s after SIGTERM: what has not ended by itself is ended before. */
const LAST_MOMENT_MS = 4_000;

process.umask(0o077);
const logger = stdoutLogger();
const stop = new AbortController();
const onSignal = (): void => {
  stop.abort();
  systemClock.after(LAST_MOMENT_MS, () => process.exit(0), { unref: true });
};
process.once('SIGTERM', onSignal);
process.once('SIGINT', onSignal);

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

try {
  await main();
  logger.info('Stopped');
  process.exit(0);
} catch (thrown) {
  const { code, message, nextStep } = toEdgeError(thrown);
  logger.error(message, { code, ...(nextStep === undefined ? {} : { nextStep }) });
  process.exit(stop.signal.aborted ? 0 : 1);
}
