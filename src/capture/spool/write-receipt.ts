import { checkedJson, EdgeError } from '../../core/mod.js';
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

/**
 * Finishes a segment: the agent deletes it and remembers its records' fate. On a full disk, where not even a
 * receipt fits, the segment itself moves to `done/`: that needs no room, and says that all was uploaded. With an object
 * that was not uploaded the error stands.
 */
export async function writeReceipt(
  disk: Disk,
  root: string,
  name: ClosedName,
  outcome: SegmentOutcome,
): Promise<void> {
  const { closed, done } = spoolFolders(root);
  const receipt: Receipt = {
    v: 1,
    segment: name.file,
    lastSequence: name.lastSequence,
    finishedMs: outcome.finishedMs,
    objects: [...outcome.objects],
    lostRecords: outcome.lostRecords,
  };
  const text = checkedJson(Receipt, receipt, 'Cannot write a receipt');
  await disk.makeFolder(done);
  try {
    await writeWhole(disk, done, `${name.base}.receipt`, Buffer.from(text));
  } catch (error) {
    const uploaded = outcome.objects.every((object) => object.outcome === 'uploaded');
    if (!(error instanceof EdgeError) || error.code !== 'RESOURCE_EXHAUSTED' || !uploaded) throw error;
    await disk.rename(join(closed, name.file), join(done, name.file));
    await disk.syncFolder(done);
  }
}

/** A small file that is there whole or not at all, through the port. */
export async function writeWhole(disk: Disk, folder: string, name: string, bytes: Uint8Array): Promise<void> {
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
  await disk.syncFolder(folder);
}
