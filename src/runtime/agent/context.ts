import type { CaptureSpool } from '../../capture/mod.js';
import type { Clock, Logger, Random } from '../../core/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';
import type { Packages } from '../packages/mod.js';
import type { ModelHosts } from '../host/port/mod.js';
import type { Registry } from '../registry/mod.js';
import type { OwnersLog } from './owners-log.js';

/** What the agent is made of. All I/O comes in by these. */
export interface AgentDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly configuration: ConfigurationHolder;
  readonly registry: Registry;
  readonly packages: Packages;
  readonly hosts: ModelHosts;
  /** Lets models that are loaded from now on have new hosts, beside those that are there. */
  readonly renewHosts?: () => void;
  readonly capture: CaptureSpool;
  readonly captureOwners: OwnersLog;
  readonly machine: Machine;
  /** PEM texts of the trusted keys, configured and from the file. */
  readonly trustedKeys: () => Promise<readonly string[]>;
}

/** What the agent knows of where it runs. */
export interface Machine {
  readonly thingName: string;
  /** `linux-x64` or `linux-arm64`. */
  readonly platform: string;
  readonly memoryBytes: number;
  readonly cores: number;
  readonly uid: number | undefined;
  /** The agent's work folder. */
  readonly workFolder: string;
  /** Where the parent of this agent's exchange folders may be, in `wanted` (absolute) or elsewhere: the best place first. */
  readonly exchangeRoots: (wanted: string) => readonly string[];
  /** Starts of the control process since the component started, this one included. */
  readonly controlStarts: number;
  /** Whether the wall clock is known to be right. */
  readonly clockSynchronised: () => boolean;
}

/** Where model hosts keep the graphs that they compiled, in a folder for each package by its digest. */
export function compiledFolder({ workFolder }: Machine): string {
  return `${workFolder}/compiled`;
}
