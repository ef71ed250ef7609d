import { EdgeError, messageOf } from '../../core/mod.js';
import { join } from '../../disk/mod.js';
import type { QuarantinedCaptures } from './capture-spool.js';
import type { ClosedSegments } from './closed-segments.js';
import type { Fates } from './fates.js';
import type { FinishedSegments } from './finished-segments.js';
import type { SpoolFolders } from './layout.js';
import type { SpoolSettings } from './options.js';
import type { HeldSegment, Quarantine } from './quarantine.js';
import type { RequeuedCount } from './requeued-count.js';
import { requeuedSegment, type RequeuedSegment } from './requeued-segment.js';
import { readContent } from './segment-content.js';
import { segmentBase, type SegmentBase } from './segment-name.js';
import type { FinishedSegment } from './tally.js';

export interface RequeuerParts {
  readonly settings: SpoolSettings;
  readonly folders: SpoolFolders;
  readonly closed: ClosedSegments;
  readonly finished: FinishedSegments;
  readonly fates: Fates;
  readonly quarantine: Quarantine;
  readonly requeuedCount: RequeuedCount;
}

/**
 * Brings segments out of quarantine back into `closed/`, as new segments of the records that were not delivered: a
 * base that is finished is never uploaded again. Whenever a kill comes, each record is in exactly one of the two:
 * 1. the segment's name in quarantine says what it comes back as, durably;
 * 2. the new segment is written aside, synced, and renamed into `closed/`: from here on its records wait there;
 * 3. they are counted, once for that new segment;
 * 4. the old one goes.
 * A start finishes what passed the second step, and takes back what did not.
 */
export class Requeuer {
  readonly #parts: RequeuerParts;

  constructor(parts: RequeuerParts) {
    this.#parts = parts;
  }

  /** After all of `closed/` and `done/` is known. @param kept what became of the segments in quarantine */
  async open(kept: ReadonlyMap<string, FinishedSegment>): Promise<void> {
    const { settings, fates, quarantine, requeuedCount } = this.#parts;
    await requeuedCount.open();
    await quarantine.explain(kept);
    for (const held of quarantine.held) {
      const { target } = held;
      if (target === undefined) continue;
      try {
        if (!this.#isBack(target)) await quarantine.direct(held, undefined);
        else await this.#conclude(held, target, (await this.#made(held, target))?.captureIds ?? []);
      } catch (error) {
        settings.log.warn('A requeue that was interrupted could not be settled yet', {
          file: held.file,
          cause: messageOf(error),
        });
      }
    }
    fates.requeued([], requeuedCount.records);
  }

  /**
   * @param takeSequence gives numbers that no record has
   * @returns the ids of the records that wait for the uploader again
   * @throws EdgeError RECORD_INVALID where no record can be read, and as `Disk` gives them; nothing has changed then
   */
  async bringBack(held: HeldSegment, takeSequence: () => number): Promise<readonly string[]> {
    const { settings, closed, quarantine } = this.#parts;
    const nonce = Number.parseInt(settings.random.hex(4), 16);
    const target = held.target ?? segmentBase(takeSequence(), held.name.priority, nonce);
    const made = await this.#made(held, target);
    if (made === undefined) {
      throw new EdgeError(
        'RECORD_INVALID',
        `Cannot bring ${held.name.file} back as none of its records can be read`,
      );
    }
    const directed = held.target === undefined ? await quarantine.direct(held, target) : held;
    if (!this.#isBack(target)) {
      await this.#write(made);
      closed.add({ name: made.name, sinceMs: settings.clock.monotonicMs() });
    }
    await this.#conclude(directed, target, made.captureIds);
    const { name, captureIds } = made;
    settings.log.info('Captures came out of quarantine', { segment: name.file, records: captureIds.length });
    return captureIds;
  }

  /** The ids of a segment's records that were not delivered, and why, as far as that is known. */
  async describe(held: HeldSegment): Promise<Pick<QuarantinedCaptures, 'captureIds' | 'reason'>> {
    const { quarantine } = this.#parts;
    const fate = await quarantine.fateOf(held);
    if (fate !== undefined) return { captureIds: fate.quarantined, reason: fate.reason };
    const { records } = readContent(await quarantine.read(held), held.name.nonce);
    return { captureIds: records.map(({ record }) => record.captureId), reason: undefined };
  }

  #isBack({ base }: SegmentBase): boolean {
    const { closed, finished } = this.#parts;
    return closed.has(base) || finished.has(base);
  }

  async #made(held: HeldSegment, target: SegmentBase): Promise<RequeuedSegment | undefined> {
    const { settings, quarantine } = this.#parts;
    const content = readContent(await quarantine.read(held), held.name.nonce);
    const fate = await quarantine.fateOf(held);
    return requeuedSegment(content, fate === undefined ? undefined : new Set(fate.quarantined), target, {
      closedMs: settings.clock.wallMs(),
      fallback: settings.policy.current.layout,
    });
  }

  async #write({ name, bytes }: RequeuedSegment): Promise<void> {
    const { settings, folders } = this.#parts;
    const { disk } = settings;
    // In `open/`, where a start clears such names away.
    const temporary = join(folders.open, `.${name.base}.tmp`);
    await disk.remove(temporary);
    try {
      const file = await disk.create(temporary);
      try {
        await file.append(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await disk.rename(temporary, join(folders.closed, name.file));
    } catch (error) {
      await disk.remove(temporary);
      throw error;
    }
    await disk.syncFolder(folders.closed);
  }

  /** Of a segment whose records stand in `closed/`, or stood there. */
  async #conclude(held: HeldSegment, target: SegmentBase, captureIds: readonly string[]): Promise<void> {
    const { fates, quarantine, requeuedCount, settings } = this.#parts;
    // In one turn with the records' coming into `closed/`: at every moment each counts once.
    const counted = requeuedCount.add(target.base, captureIds.length);
    fates.requeued(captureIds, requeuedCount.records);
    try {
      await counted;
    } catch (error) {
      // The next start counts them: the segment's name in quarantine still tells of it.
      settings.log.warn('A requeue could not be counted yet', { cause: messageOf(error) });
      return;
    }
    await quarantine.leave(held);
  }
}
