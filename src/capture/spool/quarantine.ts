import { messageOf, type Logger } from '../../core/mod.js';
import { join, type Disk } from '../../disk/mod.js';

/** Keeps damaged bytes for people to look at, the newest that fit the bound. Never fails: a start must not hang on it. */
export class Quarantine {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #log: Logger;
  #files: { readonly name: string; readonly sizeBytes: number }[] = [];

  constructor(disk: Disk, folder: string, maxBytes: number, log: Logger) {
    this.#disk = disk;
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#log = log;
  }

  get bytes(): number {
    return this.#files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  async open(): Promise<void> {
    for (const name of (await this.#disk.list(this.#folder)).sort()) {
      const stat = await this.#disk.stat(join(this.#folder, name));
      if (stat !== undefined) this.#files.push({ name, sizeBytes: stat.sizeBytes });
    }
    await this.#trim(0);
  }

  /** Not synced: these bytes are no promise to anybody. */
  async keep(label: string, bytes: Uint8Array): Promise<void> {
    const kept = bytes.subarray(0, this.#maxBytes);
    try {
      await this.#trim(kept.byteLength);
      const name = this.#name(label);
      const file = await this.#disk.create(join(this.#folder, name));
      try {
        await file.append(kept);
      } finally {
        await file.close();
      }
      this.#files.push({ name, sizeBytes: kept.byteLength });
      this.#log.warn('Damaged bytes were put in quarantine', { label, bytes: bytes.byteLength });
    } catch (error) {
      this.#log.warn('Damaged bytes could not be kept', { label, cause: messageOf(error) });
    }
  }

  /** Moves a whole file in; it leaves its place even where the bound does not let it stay. */
  async move(path: string, label: string): Promise<void> {
    const sizeBytes = (await this.#disk.stat(path))?.sizeBytes ?? 0;
    if (sizeBytes > this.#maxBytes) {
      await this.#disk.remove(path);
      return;
    }
    await this.#trim(sizeBytes);
    const name = this.#name(label);
    await this.#disk.rename(path, join(this.#folder, name));
    this.#files.push({ name, sizeBytes });
    this.#log.warn('A file was put in quarantine', { label, bytes: sizeBytes });
  }

  #name(label: string): string {
    const last = Number.parseInt(this.#files.at(-1)?.name ?? '0', 10);
    return `${String((Number.isNaN(last) ? 0 : last) + 1).padStart(10, '0')}-${label}`;
  }

  async #trim(incomingBytes: number): Promise<void> {
    while (this.#files.length > 0 && this.bytes + incomingBytes > this.#maxBytes) {
      const [oldest] = this.#files;
      if (oldest === undefined) return;
      await this.#disk.remove(join(this.#folder, oldest.name));
      this.#files = this.#files.slice(1);
    }
  }
}
