import type { PendingRecord } from './open-segment.js';

export interface Batch {
  readonly records: readonly PendingRecord[];
  readonly bytes: number;
}

/** Records that wait for the disk, in order. A batch that was taken still counts until it is done. */
export class PendingQueue {
  #records: PendingRecord[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether there is nothing to take. */
  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  push(record: PendingRecord): void {
    this.#records.push(record);
    this.#bytes += record.sizeBytes;
  }

  /** As many as fit into `maxBytes`, and at least one. */
  take(maxBytes: number): Batch {
    let bytes = 0;
    let count = 0;
    for (const { sizeBytes } of this.#records) {
      if (count > 0 && bytes + sizeBytes > maxBytes) break;
      bytes += sizeBytes;
      count += 1;
    }
    return { records: this.#records.splice(0, count), bytes };
  }

  done(batch: Batch): void {
    this.#bytes -= batch.bytes;
  }
}
