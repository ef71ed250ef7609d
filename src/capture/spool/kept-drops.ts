import { messageOf, SerialQueue, type Logger } from '../../core/mod.js';
import { join, type Disk } from '../../disk/mod.js';

/** `<reason>.<count, 16 digits>` */
const NAME = /^([a-z-]{1,32})\.(\d{16})$/;

/**
 * Counts of drops that no segment and no receipt shows: records that were refused, or lost before their segment was
 * closed. One empty file a reason in `counts/`, whose name holds the count. To count is to rename it: that is whole or
 * not done whenever a kill comes, needs no room on a full disk and no sync of its own (a power cut may take back the
 * last few). Renames are one at a time; all that came meanwhile goes with the next.
 */
export class KeptDrops {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #log: Logger;
  readonly #kept = new Map<string, number>();
  readonly #waiting = new Map<string, number>();
  readonly #writes = new SerialQueue();

  constructor(disk: Disk, folder: string, log: Logger) {
    this.#disk = disk;
    this.#folder = folder;
    this.#log = log;
  }

  /** @returns what former lives of the spool counted */
  async open(): Promise<Record<string, number>> {
    await this.#disk.makeFolder(this.#folder);
    for (const name of (await this.#disk.list(this.#folder)).sort()) {
      const [, reason, digits] = NAME.exec(name) ?? [];
      if (reason === undefined || !Number.isSafeInteger(Number(digits))) continue;
      const former = this.#kept.get(reason);
      // Names sort by count: what came before is less, and only somebody else can have put it there.
      if (former !== undefined) await this.#disk.remove(this.#path(reason, former));
      this.#kept.set(reason, Number(digits));
    }
    return Object.fromEntries(this.#kept);
  }

  /** Resolves when the count would survive a kill, or can't be written: then it goes with the next. */
  async add(reason: string, records: number): Promise<void> {
    if (records === 0) return;
    this.#waiting.set(reason, (this.#waiting.get(reason) ?? 0) + records);
    await this.#writes.run(() => this.#write());
  }

  /** Resolves when nothing is on its way to the disk. */
  async idle(): Promise<void> {
    await this.#writes.idle();
  }

  async #write(): Promise<void> {
    try {
      // Those of this moment: what comes meanwhile has a write of its own.
      const reasons = Array.from(this.#waiting.keys());
      for (const reason of reasons) await this.#keep(reason);
    } catch (error) {
      this.#log.warn('Drops could not be counted on the disk yet', { cause: messageOf(error) });
    }
  }

  async #keep(reason: string): Promise<void> {
    const former = this.#kept.get(reason);
    const more = this.#waiting.get(reason) ?? 0;
    const count = (former ?? 0) + more;
    if (former === undefined) await (await this.#disk.create(this.#path(reason, count))).close();
    else await this.#disk.rename(this.#path(reason, former), this.#path(reason, count));
    this.#kept.set(reason, count);
    const left = (this.#waiting.get(reason) ?? 0) - more;
    if (left > 0) this.#waiting.set(reason, left);
    else this.#waiting.delete(reason);
  }

  #path(reason: string, count: number): string {
    return join(this.#folder, `${reason}.${String(count).padStart(16, '0')}`);
  }
}
