export interface ComponentVersionRecord {
  readonly state: string;
  /** Of each manifest, as its recipe has it: `os`, `architecture`, `runtime`. */
  readonly platforms: readonly Readonly<Record<string, string>>[];
}

export interface CoreDeviceRecord {
  readonly thing: string;
  /** `os`, `architecture`, `runtime`, as far as the device has told. */
  readonly platform: Readonly<Record<string, string>>;
}

/** What component versions run on, and what devices are. */
export interface Platforms {
  /** Undefined: this account has no such version. */
  componentVersion(name: string, version: string): Promise<ComponentVersionRecord | undefined>;
  /** What the core devices of a thing group run on; devices that have never connected are not among them. */
  coreDevices(groupArn: string, limit: number): Promise<readonly CoreDeviceRecord[]>;
}
