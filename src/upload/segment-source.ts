import { EdgeError } from '../core/mod.js';

export type UploadOrder = 'oldest-first' | 'newest-first';

/** An object that is cut out of a segment: its key and bytes are the same at every reading. */
export interface UploadObject {
  /** `raw`: a tensor file, which comes before the `records` that refer to it. */
  readonly kind: 'records' | 'raw';
  readonly key: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`, hex. */
  readonly sha256: string;
  readonly contentType: string;
  /** The records that are delivered with it; empty for a raw file. */
  readonly captureIds: readonly string[];
}

/** What became of one records object, for the receipt. */
export interface SettledObject {
  readonly key: string;
  readonly result: 'delivered' | 'refused';
  readonly sizeBytes: number;
  /** Hex, of the bytes as they were cut. */
  readonly sha256: string;
  readonly captureIds: readonly string[];
  /** Why the store refused it, or a file that it refers to, for good. */
  readonly reason?: string;
}

/** A segment that this process works on: the agent does not evict it before {@link release}. */
export interface ClaimedSegment {
  /** The segment's objects, in their order; one in memory at a time. */
  objects(): Iterable<UploadObject>;
  /** Durable when it resolves. From then on the agent may delete the segment. */
  readonly writeReceipt: (objects: readonly SettledObject[]) => Promise<void>;
  readonly release: () => Promise<void>;
}

/**
 * Closed segments as the uploader sees them. The files are the truth: what has no receipt is listed, what was
 * evicted meanwhile is NOT_FOUND, and nothing here deletes.
 */
export interface SegmentSource {
  /** Closed segments without receipt, the most wanted first. Costs little: no segment is opened. */
  list(order: UploadOrder): Promise<readonly string[]>;
  /** Throws NOT_FOUND. */
  claim(segment: string): Promise<ClaimedSegment>;
}

/** A spool in memory, for tests: names in their order are the segments' age. */
export class MemorySegmentSource implements SegmentSource {
  readonly segments = new Map<string, readonly UploadObject[]>();
  readonly receipts = new Map<string, readonly SettledObject[]>();
  readonly claimed = new Set<string>();

  add(segment: string, objects: readonly UploadObject[]): void {
    this.segments.set(segment, objects);
  }

  list(order: UploadOrder): Promise<readonly string[]> {
    const names = [...this.segments.keys()].filter((name) => !this.receipts.has(name)).sort();
    return Promise.resolve(order === 'oldest-first' ? names : names.reverse());
  }

  claim(segment: string): Promise<ClaimedSegment> {
    const objects = this.segments.get(segment);
    if (objects === undefined)
      return Promise.reject(
        new EdgeError('SEGMENT_NOT_FOUND', `Cannot read segment ${segment} as it is gone`),
      );
    this.claimed.add(segment);
    return Promise.resolve({
      objects: () => objects,
      writeReceipt: async (settled) => await this.writeReceipt(segment, settled),
      release: async () => {
        this.claimed.delete(segment);
      },
    });
  }

  writeReceipt(segment: string, objects: readonly SettledObject[]): Promise<void> {
    this.receipts.set(segment, objects);
    return Promise.resolve();
  }
}
