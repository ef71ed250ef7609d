/** What a model host has given up. */
export interface Confinement {
  /** One phrase for people, such as `Landlock 7, no sockets`. */
  readonly phrase: string;
  /** Whether the kernel holds it to its own files. */
  readonly isHeld: boolean;
}

/** What one model host is given of the disk. Absolute paths. */
export interface HostRoom {
  /** Package folders that it may read, or a parent of them. */
  readonly packages: readonly string[];
  /** Where callers leave large tensors: it reads and writes what it is told the name of, and lists nothing. */
  readonly exchange: readonly string[];
  /** Compiled graphs: it reads, writes and removes files here. */
  readonly compiled?: string | undefined;
}

/** A host that is another program than this Node's: the launcher becomes it. */
export interface HostProgram {
  /** Absolute. */
  readonly path: string;
  readonly args: readonly string[];
  /** Files and folders that it must be able to read and list. */
  readonly reads: readonly string[];
  /** Whether it computes on a device of its own, such as a GPU. */
  readonly usesDevices: boolean;
}

/** What the control process gives the launcher of a host, as JSON in its one argument. */
export interface LaunchOrder {
  /** The host's entry point, absolute. */
  readonly entry: string;
  /** koffi's native file, which calls the C library; absolute. */
  readonly library: string;
  /** Folders of its scripts and its native files. */
  readonly program: readonly string[];
  /** For an empty folder, in which the host runs. */
  readonly empty: string;
  /** Runs in place of the entry point. */
  readonly instead?: HostProgram | undefined;
  /** Absent: nothing is asked of the kernel but the limits. */
  readonly room?: HostRoom | undefined;
}

/** The descriptor of a host's channel; the launcher hands it on. */
export const HOST_CHANNEL = 3;

/** Set for a host that is started ahead of its model. */
export const SPARE_VARIABLE = 'EDGE_MANAGER_SPARE';

/** How a host knows what its launcher did: a {@link Confinement} as JSON. */
export const CONFINEMENT_VARIABLE = 'EDGE_MANAGER_CONFINEMENT';

/** What was done to this process, as the launcher left it; a host without a launcher is not confined. */
export function confinementHere(environment: Readonly<Record<string, string | undefined>>): Confinement {
  const told = environment[CONFINEMENT_VARIABLE];
  return told === undefined
    ? { phrase: 'none: started without its launcher', isHeld: false }
    : (JSON.parse(told) as Confinement);
}
