import { encodeFrame } from './frame.js';
import type { ObjectLayout } from './object-plan.js';
import { encodeJsonFrame, type SegmentFooter } from './segment-codec.js';
import { objectsOf, type SegmentContent } from './segment-content.js';
import { closedName, type ClosedName, type SegmentBase } from './segment-name.js';

export interface RequeuedSegment {
  readonly name: ClosedName;
  readonly bytes: Uint8Array;
  readonly captureIds: readonly string[];
}

/**
 * A closed segment of those records of another one that were not delivered. Their objects keep their keys: what lies in
 * the store after all, as an answer was lost, is found there and makes no second object. Frames are written anew, since
 * their checksums begin with the segment's nonce.
 * @param wanted the capture ids; undefined: all
 * @param base of the new segment; its sequence number is new too, which records are unaware of
 * @returns undefined where none of the records can be read
 */
export function requeuedSegment(
  content: SegmentContent,
  wanted: ReadonlySet<string> | undefined,
  base: SegmentBase,
  given: { readonly closedMs: number; readonly fallback: ObjectLayout },
): RequeuedSegment | undefined {
  const layout = content.header?.layout ?? given.fallback;
  const byOrdinal = new Map(
    content.records
      .filter(({ record }) => wanted?.has(record.captureId) !== false)
      .map((entry) => [entry.ordinal, entry]),
  );
  const objects = objectsOf(content, layout)
    .map(({ key, ordinals }) => ({ key, ordinals: ordinals.filter((ordinal) => byOrdinal.has(ordinal)) }))
    .filter(({ ordinals }) => ordinals.length > 0)
    .map(({ key, ordinals }) => ({
      key,
      ordinals,
      captureIds: ordinals.flatMap((ordinal) => byOrdinal.get(ordinal)?.record.captureId ?? []),
    }));
  const entries = objects.flatMap(({ ordinals }) =>
    ordinals.flatMap((ordinal) => byOrdinal.get(ordinal) ?? []),
  );
  if (entries.length === 0) return undefined;
  const header = content.header ?? {
    v: 1 as const,
    bootId: '',
    openedMs: given.closedMs,
    layout: { ...layout },
  };
  const reference = content.footer?.reference;
  const footer: SegmentFooter = {
    v: 1,
    header,
    records: entries.length,
    lastSequence: base.firstSequence,
    closedMs: given.closedMs,
    ...(reference === undefined ? {} : { reference }),
    objects,
  };
  const last = entries.reduce((most, { ordinal }) => Math.max(most, ordinal), 0);
  const bytes = Buffer.concat([
    encodeJsonFrame('header', 0, header, base.nonce),
    ...entries.map(({ ordinal, frame }) => encodeFrame('record', ordinal, frame.payload, base.nonce)),
    encodeJsonFrame('footer', last + 1, footer, base.nonce),
  ]);
  return {
    name: closedName(base, entries.length, base.firstSequence, bytes.byteLength),
    bytes,
    captureIds: entries.map(({ record }) => record.captureId),
  };
}
