import { toEdgeError } from '../../src/core/mod.js';
import { stdoutLogger, systemClock, systemRandom } from '../../src/system/mod.js';
import { EXIT_PERMANENT, siblingEntry, tellAlive } from '../../src/process/mod.js';
import { runControl } from '../../src/runtime/process/mod.js';

process.umask(0o077);
const logger = stdoutLogger().with({ component: 'AgentRuntime' });
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(new Error(signal)));
tellAlive(systemClock, () => stop.abort(new Error('The launcher has ended')));

let code = 0;
try {
  await runControl({
    workFolder: process.cwd(),
    entries: {
      modelHost: siblingEntry(import.meta.url, 'model-host'),
      register: siblingEntry(import.meta.url, 'register-model'),
      local: siblingEntry(import.meta.url, 'local-cli'),
    },
    environment: process.env,
    clock: systemClock,
    random: systemRandom,
    logger,
    stop: stop.signal,
  });
} catch (thrown) {
  const error = toEdgeError(thrown, 'Cannot run the agent');
  logger.error(error.message, { code: error.code });
  // A disk that is full or sick may get well; what another agent or the nucleus refuses will not.
  const permanent = ['PERMISSION_DENIED', 'ALREADY_EXISTS', 'FAILED_PRECONDITION'].includes(error.code);
  code = permanent ? EXIT_PERMANENT : 1;
}
// The IPC client keeps handles that nothing can end.
process.exit(code);
