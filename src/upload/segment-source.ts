import { EdgeError } from '../core/mod.js';

/** An object that is cut out of a segment: its key and bytes are the same at every reading. */
export interface UploadObject {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** The records that are delivered with it; empty for a separate tensor file. */
  readonly captureIds: readonly string[];
}

/** What became of one object, for the receipt. */
export interface ReceiptObject {
  readonly key: string;
  readonly result: 'delivered' | 'refused';
  readonly sizeBytes: number;
  /** Base64, of the bytes as they lie in the store. */
  readonly sha256: string;
  readonly captureIds: readonly string[];
  /** Why the store refused it for good. */
  readonly reason?: string;
}

/**
 * Closed segments as the uploader sees them. The files are the truth: what has no receipt is listed, what was
 * evicted meanwhile is NOT_FOUND, and nothing here deletes.
 */
export interface SegmentSource {
  /** Closed segments without receipt, oldest first. Costs little: no segment is opened. */
  list(): Promise<readonly string[]>;
  /** The segment's objects, one in memory at a time. Throws NOT_FOUND. */
  objects(segment: string): AsyncIterable<UploadObject>;
  /** Durable when it resolves. From then on the agent may delete the segment. */
  writeReceipt(segment: string, objects: readonly ReceiptObject[]): Promise<void>;
}

/** A spool in memory, for tests. */
export class MemorySegmentSource implements SegmentSource {
  readonly segments = new Map<string, readonly UploadObject[]>();
  readonly receipts = new Map<string, readonly ReceiptObject[]>();

  add(segment: string, objects: readonly UploadObject[]): void {
    this.segments.set(segment, objects);
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.segments.keys()].filter((name) => !this.receipts.has(name)).sort());
  }

  async *objects(segment: string): AsyncIterable<UploadObject> {
    const objects = this.segments.get(segment);
    if (objects === undefined)
      throw new EdgeError('NOT_FOUND', `Cannot read segment ${segment} as it is gone`);
    yield* objects;
  }

  writeReceipt(segment: string, objects: readonly ReceiptObject[]): Promise<void> {
    this.receipts.set(segment, objects);
    return Promise.resolve();
  }
}
