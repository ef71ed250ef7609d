import type { DropReason } from './capture-spool.js';
import type { Priority } from '../captured/priority.js';
import type { ClosedSegments } from './closed-segments.js';
import type { Evictor } from './evictor.js';
import type { Housekeeping } from './housekeeping.js';
import type { Leftovers } from './leftovers.js';
import type { SpoolSettings } from './options.js';

export interface RoomParts {
  readonly settings: SpoolSettings;
  readonly closed: ClosedSegments;
  readonly leftovers: Leftovers;
  readonly evictor: Evictor;
  readonly housekeeping: Housekeeping;
}

/** What a class may still take by its quota, and how it gets more. */
export class Room {
  readonly #parts: RoomParts;

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  /** Whether a record is refused at once. @param writerBytes open and waiting in its class */
  refusal(priority: Priority, sizeBytes: number, writerBytes: number): DropReason | undefined {
    const { bytes, policy } = this.#quota(priority);
    if (sizeBytes > bytes) return 'quota';
    return policy !== 'drop-oldest' && this.#isExcess(priority, writerBytes + sizeBytes)
      ? 'quota'
      : undefined;
  }

  /** Whether `bytes` in its open segment make the class too large, and it may do something about it. */
  mustShrink(priority: Priority, bytes: number): boolean {
    return this.#quota(priority).policy === 'drop-oldest' && this.#isExcess(priority, bytes);
  }

  /** False where no closed segment of the class can go now. */
  async evictOldest(priority: Priority): Promise<boolean> {
    const { housekeeping, evictor } = this.#parts;
    return await housekeeping.try(() => evictor.evictOldest(priority), false);
  }

  #isExcess(priority: Priority, bytes: number): boolean {
    const { closed, leftovers } = this.#parts;
    return closed.bytes(priority) + leftovers.bytes(priority) + bytes > this.#quota(priority).bytes;
  }

  #quota(priority: Priority) {
    return this.#parts.settings.policy.current.quotas[priority];
  }
}
