import { cpus, loadavg, release, totalmem } from 'node:os';

/** Where figures were taken: they compare with others of the same machine only. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
}

export function machineHere(): Machine {
  const [first] = cpus();
  return {
    cpu: (first?.model ?? 'unknown').replaceAll(/\s+/g, ' ').trim(),
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    node: process.version,
  };
}

/** Processes that wanted a core over the last minute: what else the machine had to do. */
export function loadNow(): number {
  return Number((loadavg()[0] ?? 0).toFixed(1));
}

/** @example machineText(machine) // 'AMD EPYC, 2 cores, 8 GB, Linux 6.1.0, Node v20.19.0' */
export function machineText({ cpu, cores, memoryGb, kernel, node }: Machine): string {
  return `${cpu}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${memoryGb} GB, ${kernel}, Node ${node}`;
}
