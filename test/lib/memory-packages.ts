import { readAnnounced, type Packages } from '../../src/runtime/packages/mod.js';
import { askedBy, type FoundPackage } from '../../src/runtime/registry/mod.js';

/** The agent's copies of packages, remembered and not made: for agents that are updated thousands of times. */
export class MemoryPackages implements Packages {
  readonly #found = new Map<string, FoundPackage>();

  /** How many it holds. */
  get size(): number {
    return this.#found.size;
  }

  folder(model: string, digest: string): string {
    return `/packages/${model}/${digest}`;
  }

  async adopt(
    { model, component, source }: Parameters<Packages['adopt']>[0],
    digest: string,
  ): Promise<string> {
    const { manifest } = await readAnnounced(source);
    const { name: packageName, version } = manifest;
    const asked = askedBy(manifest);
    this.#found.set(digest, { model, packageName, version, digest, component, asked, source });
    return this.folder(model, digest);
  }

  async remove(_model: string, digest: string): Promise<void> {
    this.#found.delete(digest);
  }

  async list(): Promise<readonly FoundPackage[]> {
    return [...this.#found.values()];
  }

  async sweep(inUse: () => ReadonlySet<string>): Promise<void> {
    const used = inUse();
    for (const digest of this.#found.keys()) if (!used.has(digest)) this.#found.delete(digest);
  }
}
