// A control process for tests: loads the model that its argument describes, and hangs in a run of it.
import { dirname } from 'node:path';
import { silentLogger } from '../../src/core/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { createModelHosts } from '../../src/runtime/host/mod.js';
import type { LoadSpec, RunRequest } from '../../src/runtime/host/port/mod.js';
import { hostFolders, hostScripts } from './model-hosts.js';

const { spec, request } = JSON.parse(process.argv[2] ?? '') as { spec: LoadSpec; request: RunRequest };
const hosts = createModelHosts(
  {
    isolation: 'model',
    profile: 'efficient',
    threadBudget: 1,
    loadTimeoutMs: 20_000,
    confinement: 'if-possible',
    folders: hostFolders(dirname(spec.folder)),
  },
  {
    spawn: await hostScripts(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    sampled: () => undefined,
  },
);
const model = await hosts.load(spec);
const run = model.run(request, 600_000);
console.log('running');
await run;
