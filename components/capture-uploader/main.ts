import { messageOf } from '../../src/core/mod.js';
import { stdoutLogger, systemClock, systemRandom } from '../../src/fs/system.js';
import { runLauncher, siblingEntry } from '../../src/process/mod.js';

process.umask(0o077);
const logger = stdoutLogger();
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(new Error(signal)));

try {
  process.exitCode = await runLauncher({
    component: 'the capture uploader',
    worker: 'Upload process',
    entry: siblingEntry(import.meta.url, 'upload'),
    environment: process.env,
    clock: systemClock,
    random: systemRandom,
    logger,
    stop: stop.signal,
  });
} catch (thrown) {
  logger.error(messageOf(thrown));
  process.exitCode = 1;
}
