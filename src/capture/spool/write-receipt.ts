import { checkedJson, deferred, EdgeError, type Deferred } from '../../core/mod.js';
import { join, type Disk } from '../../disk/mod.js';
import { spoolFolders } from './layout.js';
import { Receipt, type ReceiptObject } from './receipt.js';
import type { ClosedName } from './segment-name.js';

export interface SegmentOutcome {
  readonly finishedMs: number;
  readonly objects: readonly ReceiptObject[];
  /** As `SegmentReader.lostRecords` says. */
  readonly lostRecords: number;
}

interface Draft {
  readonly name: ClosedName;
  readonly outcome: SegmentOutcome;
  readonly text: string;
  readonly written: Deferred<void>;
}

/** Libuv has four threads for all of the disk: those that wait for it leave some to read by. */
const SYNCS_AT_ONCE = 2;

/**
 * Finishes segments: the agent deletes them and remembers their records' fate. On a full disk, where not even a
 * receipt fits, the segment itself moves to `done/`: that needs no room, and says that all was uploaded. With an object
 * that was not uploaded the error stands.
 *
 * Receipts that come while others are on their way wait for each other: their files are synced beside each other, which
 * costs a file system that has a journal about one commit, and their folder once for all.
 */
export class ReceiptWriter {
  readonly #disk: Disk;
  readonly #root: string;
  #waiting: Draft[] = [];
  #isWriting = false;
  #isFolderThere = false;

  /** @param root the spool's folder */
  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root;
  }

  /** Resolves when the receipt is on disk for good. */
  async write(name: ClosedName, outcome: SegmentOutcome): Promise<void> {
    const receipt: Receipt = {
      v: 1,
      segment: name.file,
      lastSequence: name.lastSequence,
      finishedMs: outcome.finishedMs,
      objects: [...outcome.objects],
      lostRecords: outcome.lostRecords,
    };
    const text = checkedJson(Receipt, receipt, 'Cannot write a receipt');
    const written = deferred<void>();
    this.#waiting.push({ name, outcome, text, written });
    void this.#writeAll();
    await written.promise;
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0));
    this.#isWriting = false;
  }

  async #commit(drafts: readonly Draft[]): Promise<void> {
    const { done } = spoolFolders(this.#root);
    const reject = (thrown: unknown, { written }: Draft): void =>
      written.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
    const queue = [...drafts];
    const placed: Draft[] = [];
    const lane = async (): Promise<void> => {
      for (let draft = queue.shift(); draft !== undefined; draft = queue.shift()) {
        try {
          await this.#place(draft);
          placed.push(draft);
        } catch (thrown) {
          reject(thrown, draft);
        }
      }
    };
    try {
      if (!this.#isFolderThere) await this.#disk.makeFolder(done);
      await Promise.all(Array.from({ length: SYNCS_AT_ONCE }, lane));
      await this.#disk.syncFolder(done);
      this.#isFolderThere = placed.length === drafts.length;
      for (const { written } of placed) written.resolve();
    } catch (thrown) {
      this.#isFolderThere = false;
      for (const draft of drafts) reject(thrown, draft);
    }
  }

  async #place({ name, outcome, text }: Draft): Promise<void> {
    const { closed, done } = spoolFolders(this.#root);
    try {
      await placeWhole(this.#disk, done, `${name.base}.receipt`, Buffer.from(text));
    } catch (error) {
      const uploaded = outcome.objects.every((object) => object.outcome === 'uploaded');
      if (!(error instanceof EdgeError) || error.code !== 'RESOURCE_EXHAUSTED' || !uploaded) throw error;
      await this.#disk.rename(join(closed, name.file), join(done, name.file));
    }
  }
}

/** A small file that is there whole or not at all, through the port. */
export async function writeWhole(disk: Disk, folder: string, name: string, bytes: Uint8Array): Promise<void> {
  await placeWhole(disk, folder, name, bytes);
  await disk.syncFolder(folder);
}

/** As {@link writeWhole}, but that its name is lasting only once the folder has been synced. */
async function placeWhole(disk: Disk, folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(folder, `.${name}.tmp`);
  await disk.remove(temporary);
  const file = await disk.create(temporary);
  try {
    try {
      await file.append(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(temporary, join(folder, name));
  } catch (error) {
    await disk.remove(temporary);
    throw error;
  }
}
