import { join, nodeDisk } from '../../disk/mod.js';

/** As model hosts name them: the model's digest first, then the runtime and the CPU that they were compiled for. */
const NAME = /^([0-9a-f]{64})-.*\.ort$/;

/** Graphs that model hosts compiled. They may go at any time: a load compiles again what is not there. */
export class CompiledFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Deletes the graphs of all models but these, and what kills left of others. */
  async sweep(modelDigests: ReadonlySet<string>): Promise<void> {
    for (const name of await nodeDisk.list(this.#folder)) {
      const digest = NAME.exec(name)?.[1];
      if (digest !== undefined && !modelDigests.has(digest)) await nodeDisk.remove(join(this.#folder, name));
    }
  }
}
