import { scanFrames, type Damage, type Frame } from './frame.js';
import { decodeRecord, type StampedRecord } from './payload.js';
import {
  inferenceTimeMs,
  planObjects,
  type ObjectLayout,
  type PlannedObject,
  type TimeReference,
} from './object-plan.js';
import {
  decoded,
  decodeFooter,
  decodeHeader,
  type SegmentFooter,
  type SegmentHeader,
} from './segment-codec.js';

export interface ContentRecord {
  readonly ordinal: number;
  readonly record: StampedRecord;
  readonly digest: string;
  readonly frame: Frame;
}

/** What could be read of a segment's bytes. */
export interface SegmentContent {
  readonly header: SegmentHeader | undefined;
  readonly footer: SegmentFooter | undefined;
  /** In order of their ordinals, each once. */
  readonly records: readonly ContentRecord[];
  readonly damage: readonly Damage[];
  /** Records known to have been there and not readable; a torn tail of an open segment is not among them. */
  readonly lost: number;
}

/** Reads whatever is left of a segment. Never throws. */
export function readContent(bytes: Uint8Array, nonce: number): SegmentContent {
  const { frames, damage } = scanFrames(bytes, nonce);
  const records = new Map<number, ContentRecord>();
  const extra: Damage[] = [];
  let header: SegmentHeader | undefined;
  let footer: SegmentFooter | undefined;
  let lastOrdinal = 0;
  for (const frame of frames) {
    lastOrdinal = Math.max(lastOrdinal, frame.ordinal);
    if (frame.type === 'header') header ??= decodeHeader(frame.payload);
    else if (frame.type === 'footer') footer ??= decodeFooter(frame.payload);
    else {
      const result = decoded(() => decodeRecord(frame.payload));
      if (result === undefined) extra.push({ offset: frame.offset, end: frame.end });
      else if (!records.has(frame.ordinal))
        records.set(frame.ordinal, { ordinal: frame.ordinal, frame, ...result });
    }
  }
  const expected = footer?.records ?? lastOrdinal;
  return {
    header: header ?? footer?.header,
    footer,
    records: [...records.values()].sort((a, b) => a.ordinal - b.ordinal),
    damage: [...damage, ...extra],
    lost: Math.max(0, expected - records.size),
  };
}

/** The objects of the records that are left: as the footer says, or computed as its writer would have. */
export function objectsOf(
  content: SegmentContent,
  fallback: ObjectLayout,
  reference = content.footer?.reference as TimeReference | undefined,
): readonly PlannedObject[] {
  if (content.footer !== undefined) return content.footer.objects;
  return planObjects(
    content.header?.layout ?? fallback,
    content.records.map(({ ordinal, record, digest }) => ({
      ordinal,
      captureId: record.captureId,
      model: record.model,
      timeMs: inferenceTimeMs(record, reference),
      digest,
    })),
  );
}
