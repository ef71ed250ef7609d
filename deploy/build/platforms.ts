import { EdgeError } from '../../src/core/mod.js';

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

/** The platform of that name, this machine's for `here`, or all. @throws EdgeError naming those that there are */
export function platformsOf(name: string | undefined): readonly Platform[] {
  if (name === undefined) return PLATFORMS;
  const found = name === 'here' ? platformHere() : PLATFORMS.find((platform) => platform.name === name);
  if (found === undefined) {
    const known = PLATFORMS.map((platform) => platform.name).join(', ');
    throw new EdgeError('OPTION_INVALID', `Cannot build for platform '${name}': known are ${known} and here`);
  }
  return [found];
}
