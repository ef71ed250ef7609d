import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { PackagedModel } from '../../../examples/stage/models.js';
import { silentLogger } from '../../../src/core/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { createModelHosts, type SpawnDetails } from '../../../src/runtime/host/mod.js';
import type { HostSettings, LoadSpec, ModelHosts } from '../../../src/runtime/host/port/mod.js';
import { hostFolders } from '../../lib/model-hosts.js';
import type { Bench } from '../row.js';
import { descendants } from './processes.js';

/** The model host beside the running control process: the shipped, bundled one. */
export function shippedHost(): SpawnDetails {
  const [control] = descendants('control.js');
  const entry = control?.command.split(' ').find((part) => part.endsWith('control.js'));
  if (entry === undefined) throw new Error('Cannot find the control process');
  const beside = (name: string): string => join(dirname(entry), name);
  return { entry: beside('model-host.js'), launcher: beside('host-launcher.cjs') };
}

/** Hosts of this process's own. A model in a process of its own, or in one where ONNX Runtime has loaded another before. */
export function hostsOf(
  bench: Bench,
  folder: string,
  isolation: 'model' | 'shared',
  spawn: SpawnDetails = shippedHost(),
  more: Partial<HostSettings> = {},
): ModelHosts {
  const hosts = createModelHosts(
    {
      isolation,
      profile: 'efficient',
      threadBudget: 2,
      loadTimeoutMs: 20_000,
      confinement: 'if-possible',
      // Its packages lie where the rig built them.
      folders: { ...hostFolders(folder), packages: tmpdir(), compiled: folder },
      ...more,
    },
    { spawn, clock: systemClock, random: systemRandom, logger: silentLogger, sampled: () => undefined },
  );
  bench.onEnd(() => hosts.close());
  return hosts;
}

/** A package of the rig as a host should load it, without the compiled cache. */
export function specOf({ modelFile, name, version }: PackagedModel): LoadSpec {
  return {
    key: `${name}@${version}`,
    folder: dirname(modelFile),
    trust: { policy: 'off', keys: [] },
    threads: 1,
    concurrency: 1,
    runSamples: false,
  };
}
