import { join, type Disk } from '../../disk/mod.js';

/** `requeued_<count, 16 digits>_<base>`: agents that know of no way back leave it alone. */
const NAME = /^requeued_(\d{16})_(.+)$/;

/**
 * How many records came back out of quarantine, in the name of one empty file in `counts/`. The name also tells which
 * segment was counted last, so that one that a kill left half-way is counted once.
 */
export class RequeuedCount {
  readonly #disk: Disk;
  readonly #folder: string;
  #file: string | undefined;
  #last = '';
  #records = 0;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  get records(): number {
    return this.#records;
  }

  /** Of several files, which only somebody else can have put there, the one with most counts. */
  async open(): Promise<void> {
    for (const file of (await this.#disk.list(this.#folder)).sort()) {
      const [, digits, base] = NAME.exec(file) ?? [];
      if (digits === undefined || base === undefined) continue;
      this.#file = file;
      this.#records = Number(digits);
      this.#last = base;
    }
  }

  /**
   * Counts at once; resolves when the count would survive a kill.
   * @param base of the segment that the records came back as
   */
  async add(base: string, records: number): Promise<void> {
    if (this.#last !== base) {
      this.#last = base;
      this.#records += records;
    }
    const file = `requeued_${String(this.#records).padStart(16, '0')}_${base}`;
    if (this.#file === file) return;
    if (this.#file === undefined) await (await this.#disk.create(join(this.#folder, file))).close();
    else await this.#disk.rename(join(this.#folder, this.#file), join(this.#folder, file));
    this.#file = file;
  }
}
