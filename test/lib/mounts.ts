import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.js';

function run(command: string, args: readonly string[]): void {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr.trim()}`);
}

/** An ext4 file system in a file, whose power can be cut. */
export class LoopDisk {
  readonly mountPoint: string;
  readonly #image: string;

  constructor(folder: string, sizeMiB: number) {
    this.#image = join(folder, 'disk.img');
    this.mountPoint = join(folder, 'mnt');
    mkdirSync(this.mountPoint, { recursive: true });
    writeFileSync(this.#image, Buffer.alloc(sizeMiB * 1024 * 1024));
    run('mkfs.ext4', ['-q', '-F', this.#image]);
  }

  mount(): void {
    run('mount', ['-o', 'loop', this.#image, this.mountPoint]);
  }

  /** FS_IOC_SHUTDOWN without a log flush: from now on nothing reaches the disk, as when the power has gone. */
  cutPower(): void {
    const script =
      'open(my $f, "<", $ARGV[0]) or die $!; my $how = pack("I", 2); ioctl($f, 0x8004587d, $how) or die $!;';
    run('perl', ['-e', script, this.mountPoint]);
  }

  unmount(): void {
    run('umount', [this.mountPoint]);
  }

  /** What a failed test left. */
  unmountIfMounted(): void {
    if (spawnSync('mountpoint', ['-q', this.mountPoint]).status === 0) this.unmount();
  }
}

/** A small disk that fills up. */
export function mountTmpfs(mountPoint: string, sizeMiB: number): void {
  mkdirSync(mountPoint, { recursive: true });
  run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', mountPoint]);
}

export function unmount(mountPoint: string): void {
  run('umount', [mountPoint]);
}

/** Whoever was killed there has left it within ten seconds: a component's processes end one after the other. */
export async function unmountOnceLeft(mountPoint: string): Promise<void> {
  const unmounted = (): boolean => spawnSync('umount', [mountPoint]).status === 0;
  await until(unmounted, `${mountPoint} can be unmounted`, 10_000);
}

/** Takes all the room there is, with what the file at `path` holds already. */
export function fillDisk(path: string): void {
  const file = openSync(path, 'a');
  try {
    for (let sizeBytes = 1 << 20; sizeBytes >= 512;) {
      try {
        writeSync(file, Buffer.alloc(sizeBytes));
      } catch {
        sizeBytes /= 2;
      }
    }
  } finally {
    closeSync(file);
  }
}

/** Why no file system can be mounted here, or undefined. */
export function mountMissing(...tools: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting needs root';
  const absent = tools.find((tool) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', tool]).status !== 0);
  return absent === undefined ? undefined : `${absent} is not installed`;
}
