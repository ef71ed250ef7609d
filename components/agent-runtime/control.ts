import { siblingEntry } from '../../src/component/launcher/mod.js';
import { runWorker } from '../../src/component/worker/mod.js';
import { startAgent } from '../../src/runtime/process/mod.js';

await runWorker({
  name: 'AgentRuntime',
  title: 'the agent',
  // A disk that is full or sick may get well; what another agent or the nucleus refuses will not.
  permanent: ['PERMISSION_DENIED', 'ALREADY_EXISTS', 'FAILED_PRECONDITION'],
  start: (worker) =>
    startAgent(worker, {
      modelHost: siblingEntry(import.meta.url, 'model-host'),
      hostLauncher: siblingEntry(import.meta.url, 'host-launcher', '.cjs'),
      register: siblingEntry(import.meta.url, 'register-model'),
      local: siblingEntry(import.meta.url, 'local-cli'),
    }),
});
