import type { HostProgram, HostRoom } from '../confinement/mod.js';
import { ACCESS } from './landlock.js';

/** Use of a path and of all below it; a path that does not exist gives nothing. */
export interface Allowance {
  readonly path: string;
  readonly access: number;
}

const { execute, readFile, readFolder, writeFile, makeFile, removeFile, truncate, deviceControl } = ACCESS;

const DEVICE_FILES = [
  'nvidiactl',
  'nvidia-uvm',
  'nvidia-uvm-tools',
  'nvidia-modeset',
  ...Array.from({ length: 16 }, (_, index) => `nvidia${index}`),
  'nvmap',
  'nvhost-ctrl',
  'nvhost-ctrl-gpu',
  'nvhost-gpu',
  'nvhost-as-gpu',
  'nvhost-prof-gpu',
  'nvhost-nvdla0',
  'nvhost-nvdla1',
  'nvhost-vic',
  'nvgpu',
  'nvsciipc',
  'host1x-fence',
].map((name) => `/dev/${name}`);

/** What Node and ONNX Runtime look at as they start: the machine's size, the linker's cache, and what is no file. */
const OF_THE_SYSTEM: readonly Allowance[] = [
  { path: '/etc/ld.so.cache', access: readFile },
  { path: '/etc/ld.so.preload', access: readFile },
  { path: '/etc/localtime', access: readFile },
  { path: '/dev/null', access: readFile | writeFile },
  { path: '/dev/urandom', access: readFile },
  { path: '/dev/random', access: readFile },
  { path: '/proc/self', access: readFile },
  { path: '/proc/cpuinfo', access: readFile },
  { path: '/proc/meminfo', access: readFile },
  // Which processors, and which other devices it might compute on.
  { path: '/sys/devices', access: readFile | readFolder },
  { path: '/sys/bus/pci/devices', access: readFolder },
  { path: '/sys/fs/cgroup', access: readFile },
];

/** What computes beside the processor: NVIDIA's, those of its modules (Jetson), and GPUs of the kernel's own drivers. */
const OF_DEVICES: readonly Allowance[] = [
  ...DEVICE_FILES.map((path) => ({ path, access: readFile | writeFile | deviceControl })),
  { path: '/dev/dri', access: readFile | writeFile | readFolder | deviceControl },
  { path: '/dev/nvidia-caps', access: readFile | readFolder | deviceControl },
  { path: '/proc/driver/nvidia', access: readFile | readFolder },
  { path: '/proc/devices', access: readFile },
  { path: '/proc/sys/vm/mmap_min_addr', access: readFile },
  { path: '/sys/module/nvidia', access: readFile | readFolder },
  { path: '/etc/nv_tegra_release', access: readFile },
  { path: '/etc/OpenCL', access: readFile | readFolder },
];

interface Running {
  readonly node: string;
  readonly folders: readonly string[];
  readonly maps: string;
  readonly instead?: HostProgram | undefined;
}

/**
 * Everything that a host may use: its room, its own program, the folders of the C library, and a few files of the
 * system.
 * @param node the program that runs it, unless another does
 * @param folders where its scripts and its native files lie
 * @param maps `/proc/self/maps` of a process of the same program, which names the libraries
 */
export function allowancesOf(
  room: HostRoom,
  { node, folders, maps, instead }: Running,
): readonly Allowance[] {
  const libraries = [...new Set(maps.match(/\/\S*\.so(\.\S*)?$/gm) ?? [])];
  const linkers = libraries.filter((path) => /\/ld[-.][^/]*$/.test(path));
  const libraryFolders = new Set(libraries.map(dirname));
  return [
    ...(instead === undefined ? [{ path: node, access: readFile | execute }] : otherProgram(instead)),
    ...linkers.map((path) => ({ path, access: readFile | execute })),
    ...[...libraryFolders, ...folders].map((path) => ({ path, access: readFile })),
    ...OF_THE_SYSTEM,
    ...room.packages.map((path) => ({ path, access: readFile | readFolder })),
    ...room.exchange.map((path) => ({ path, access: readFile | writeFile })),
    ...(room.compiled === undefined
      ? []
      : [
          {
            path: room.compiled,
            access: readFile | readFolder | writeFile | makeFile | removeFile | truncate,
          },
        ]),
  ];
}

function otherProgram({ path, reads, usesDevices }: HostProgram): Allowance[] {
  return [
    { path, access: readFile | execute },
    ...reads.map((read) => ({ path: read, access: readFile | readFolder })),
    ...(usesDevices ? OF_DEVICES : []),
  ];
}

function dirname(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}
