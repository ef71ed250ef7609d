import { messageOf } from '../../src/core/mod.js';
import { stdoutLogger, systemClock, systemRandom } from '../../src/fs/system.js';
import { runLauncher } from '../../src/runtime/process/launcher.js';
import { entry } from './entries.js';

process.umask(0o077);
const logger = stdoutLogger().with({ component: 'AgentRuntime' });
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(new Error(signal)));

try {
  process.exitCode = await runLauncher({
    entry: entry('control'),
    args: [],
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
