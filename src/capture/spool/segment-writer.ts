import { join, type Disk, type DiskFile } from '../../disk/mod.js';
import { inFewWrites } from './few-writes.js';
import type { SegmentBuilder } from './segment-builder.js';
import type { ClosedName } from './segment-name.js';

/** One open segment: its file, and how much of it is written and durable. */
export class SegmentWriter {
  readonly builder: SegmentBuilder;
  /** The process's monotonic time of its first record. */
  readonly sinceMs: number;
  readonly #disk: Disk;
  readonly #openFolder: string;
  readonly #file: DiskFile;
  #writtenBytes = 0;
  #durableBytes = 0;
  #nameIsDurable = false;

  private constructor(
    disk: Disk,
    openFolder: string,
    builder: SegmentBuilder,
    file: DiskFile,
    sinceMs: number,
  ) {
    this.#disk = disk;
    this.#openFolder = openFolder;
    this.builder = builder;
    this.#file = file;
    this.sinceMs = sinceMs;
  }

  static async create(
    disk: Disk,
    openFolder: string,
    builder: SegmentBuilder,
    sinceMs: number,
  ): Promise<SegmentWriter> {
    const file = await disk.create(join(openFolder, builder.base.base));
    return new SegmentWriter(disk, openFolder, builder, file, sinceMs);
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  get durableBytes(): number {
    return this.#durableBytes;
  }

  /** The frames of records, the header's before those of the first. After an error the tail is unknown: `cutTail` or give the file up. */
  async append(frames: readonly Uint8Array[]): Promise<void> {
    await this.#write(this.#writtenBytes === 0 ? [this.builder.headerFrame(), ...frames] : frames);
  }

  /** Resolves when all that was written survives a power cut, the file's name included. */
  async sync(): Promise<void> {
    const upTo = this.#writtenBytes;
    await this.#file.sync();
    if (!this.#nameIsDurable) await this.#disk.syncFolder(this.#openFolder);
    this.#nameIsDurable = true;
    this.#durableBytes = upTo;
  }

  /** Takes away what a failed write left behind the last whole frame. */
  async cutTail(): Promise<void> {
    await this.#file.truncate(this.#writtenBytes);
  }

  async appendFooter(footer: Uint8Array): Promise<void> {
    await this.#write([footer]);
  }

  /**
   * To `closed/`, after the sync that made its footer durable: from then on the plan stands, and may be uploaded
   * after. The rename needs no sync of its own: a start that finds the file in `open/`, footer and all, moves it again.
   * Without a footer the plan follows from header and frames.
   */
  async rename(closedFolder: string): Promise<ClosedName> {
    const name = this.builder.closedName(this.#writtenBytes);
    await this.#disk.rename(this.#path, join(closedFolder, name.file));
    await this.#close();
    return name;
  }

  /** Leaves a file that holds nothing. */
  async discard(): Promise<void> {
    await this.#close();
    await this.#disk.remove(this.#path);
  }

  /**
   * Leaves a file that a failed sync made untrustworthy, under a name that says what of it counts.
   * @returns whether that name is durable: what of it does not count may then be written elsewhere
   */
  async giveUp(): Promise<boolean> {
    await this.#close();
    try {
      await this.#disk.rename(this.#path, `${this.#path}.cut${this.#durableBytes}`);
      await this.#disk.syncFolder(this.#openFolder);
      return true;
    } catch {
      return false;
    }
  }

  get #path(): string {
    return join(this.#openFolder, this.builder.base.base);
  }

  async #close(): Promise<void> {
    try {
      await this.#file.close();
    } catch {
      // Nothing depends on it: what had to be durable was synced.
    }
  }

  async #write(parts: readonly Uint8Array[]): Promise<void> {
    let bytes = 0;
    for (const piece of inFewWrites(parts)) {
      await this.#file.append(piece);
      bytes += piece.byteLength;
    }
    this.#writtenBytes += bytes;
  }
}
