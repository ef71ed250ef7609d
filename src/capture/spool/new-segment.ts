import type { Priority } from '../captured/priority.js';
import type { TimeReference } from './object-plan.js';
import type { SpoolSettings } from './options.js';
import { SegmentBuilder } from './segment-builder.js';
import { segmentBase } from './segment-name.js';

/** A segment under the policy of this moment. */
export function newSegment(
  settings: SpoolSettings,
  priority: Priority,
  firstSequence: number,
): SegmentBuilder {
  const { random, boot, clock, policy } = settings;
  const nonce = Number.parseInt(random.hex(4), 16);
  return new SegmentBuilder(segmentBase(firstSequence, priority, nonce), {
    v: 1,
    bootId: boot.bootId,
    openedMs: clock.wallMs(),
    layout: { ...policy.current.layout },
  });
}

/** What tells the records of this boot their true time, where the clock is right by now. */
export function timeReference(settings: SpoolSettings): TimeReference | undefined {
  const { clockSynchronised, boot, clock } = settings;
  if (!clockSynchronised()) return undefined;
  return { bootId: boot.bootId, wallMs: clock.wallMs(), monotonicMs: boot.monotonicMs() };
}
