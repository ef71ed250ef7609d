import { join, nodeDisk, removeTree } from '../../disk/mod.js';

/**
 * Graphs that model hosts compiled, in a folder for each package, so that a host can be held to those of its own.
 * They may go at any time: a load compiles again what is not there.
 */
export class CompiledFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Deletes the graphs of all packages but these, and what lies outside such folders, as older agents kept it.
   * @param inUse digests of packages
   * @throws EdgeError where the disk does not let it
   */
  async sweep(inUse: ReadonlySet<string>): Promise<void> {
    for (const name of await nodeDisk.list(this.#root)) {
      if (!inUse.has(name)) await removeTree(join(this.#root, name));
    }
  }
}
