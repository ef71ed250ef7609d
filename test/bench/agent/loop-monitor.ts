import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface LoopGap {
  readonly maxMs: number;
  readonly p99Ms: number;
  readonly count: number;
}

/** Measures how long the control process's event loop stands still, within that process. */
export class LoopMonitor {
  readonly #file: string;
  readonly #pid: () => number;

  constructor(work: string, pid: () => number) {
    this.#file = join(work, 'loop-gap.json');
    this.#pid = pid;
  }

  async during<T>(act: () => Promise<T>): Promise<{ readonly result: T; readonly gap: LoopGap }> {
    const pid = this.#pid();
    await rm(this.#file, { force: true });
    process.kill(pid, 'SIGUSR2');
    const result = await act();
    process.kill(pid, 'SIGUSR2');
    return { result, gap: await this.#read() };
  }

  async #read(): Promise<LoopGap> {
    for (let attempt = 0; ; attempt++) {
      try {
        return JSON.parse(await readFile(this.#file, 'utf8')) as LoopGap;
      } catch (thrown) {
        if (attempt === 100) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}
