/** What a device artifact is built for: Greengrass's names, and those of Node and its packages. */
export interface Platform {
  readonly name: string;
  /** Greengrass's `architecture`. */
  readonly architecture: 'amd64' | 'aarch64';
  /** Node's `process.arch`. */
  readonly nodeArch: 'x64' | 'arm64';
}

export const PLATFORMS: readonly Platform[] = [
  { name: 'linux-amd64', architecture: 'amd64', nodeArch: 'x64' },
  { name: 'linux-aarch64', architecture: 'aarch64', nodeArch: 'arm64' },
];

/** The platform of this machine, if devices have it too. */
export function platformHere(): Platform | undefined {
  return PLATFORMS.find((platform) => platform.nodeArch === process.arch && process.platform === 'linux');
}
