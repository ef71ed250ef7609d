import { join } from 'node:path';
import {
  outlineRecord,
  SegmentBuilder,
  segmentBase,
  spoolFolders,
  type CaptureRecord,
  type ClosedName,
  type ObjectLayout,
} from '../../src/capture/mod.js';
import { finish } from '../../src/core/mod.js';
import type { Disk } from '../../src/disk/mod.js';

export const TEST_LAYOUT: ObjectLayout = {
  prefix: 'sme-capture',
  fleet: 'test-fleet',
  device: 'test-device',
  batchSize: 10,
  embedLimitBytes: 3072,
  referenceBase: '',
};

/** A record whose contents follow from its number. */
export function testRecord(number: number, change: Partial<CaptureRecord> = {}): CaptureRecord {
  return {
    captureId: `capture-${number}`,
    model: 'TestModel',
    modelVersion: '1.0.0',
    packageDigest: 'ab'.repeat(32),
    reasons: ['percentage'],
    priority: 'sample',
    inferenceTimeMs: Date.UTC(2026, 2, 4, 5, 6, 7) + number,
    clockSynchronised: true,
    inputs: [{ name: 'input', datatype: 'FP32', shape: [1, 4], data: bytesOf(number, 16) }],
    outputs: [{ name: 'output', datatype: 'FP32', shape: [1], data: bytesOf(number + 1, 4) }],
    ...change,
  };
}

/** Repeatable bytes. */
export function bytesOf(seed: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (Math.imul(seed + 1, 2654435761) >>> (index % 24)) & 0xff);
}

/** A closed segment's name and bytes, as the agent's spool would have written them. */
export function buildSegment(
  records: readonly CaptureRecord[],
  firstSequence = 1,
  layout: ObjectLayout = TEST_LAYOUT,
): { readonly name: ClosedName; readonly bytes: Uint8Array } {
  const priority = records[0]?.priority ?? 'sample';
  const base = segmentBase(firstSequence, priority, (0x1234_0000 + firstSequence) >>> 0);
  const builder = new SegmentBuilder(base, { v: 1, bootId: 'boot-1', openedMs: 0, layout });
  const frames: Uint8Array[] = [builder.headerFrame()];
  records.forEach((record, index) => {
    const stamp = { sequence: firstSequence + index, bootId: 'boot-1', monotonicMs: 1000 + index };
    const encoded = finish(outlineRecord(record, stamp).encode());
    frames.push(...finish(builder.recordFrame(encoded, { ...record, ...stamp })));
  });
  frames.push(builder.footerFrame(2000, undefined));
  const bytes = Buffer.concat(frames);
  return { name: builder.closedName(bytes.byteLength), bytes };
}

/** Writes a closed segment below `root`, for tests of what reads segments. */
export async function putClosedSegment(
  disk: Disk,
  root: string,
  records: readonly CaptureRecord[],
  firstSequence = 1,
  layout: ObjectLayout = TEST_LAYOUT,
): Promise<ClosedName> {
  const { name, bytes } = buildSegment(records, firstSequence, layout);
  const { closed, done } = spoolFolders(root);
  await disk.makeFolder(closed);
  await disk.makeFolder(done);
  const file = await disk.create(join(closed, name.file));
  await file.append(bytes);
  await file.sync();
  await file.close();
  await disk.syncFolder(closed);
  return name;
}
