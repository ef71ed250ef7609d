import type { Steps } from '../../core/mod.js';
import { frameParts } from './frame.js';
import type { EncodedRecord, StampedRecord } from './payload.js';
import { inferenceTimeMs, planObjects, type TimeReference } from './object-plan.js';
import { encodeJsonFrame, type SegmentFooter, type SegmentHeader } from './segment-codec.js';
import { closedName, type ClosedName, type SegmentBase } from './segment-name.js';

/** What a builder remembers of a record: enough to plan objects, none of its bytes. */
export type RecordInfo = Pick<
  StampedRecord,
  'captureId' | 'model' | 'sequence' | 'bootId' | 'monotonicMs' | 'inferenceTimeMs' | 'clockSynchronised'
>;

/** Builds a segment's bytes frame by frame. Pure: writing them is its caller's. */
export class SegmentBuilder {
  readonly base: SegmentBase;
  readonly header: SegmentHeader;
  #entries: { readonly ordinal: number; readonly info: RecordInfo; readonly digest: string }[] = [];
  #nextOrdinal = 1;

  constructor(base: SegmentBase, header: SegmentHeader) {
    this.base = base;
    this.header = header;
  }

  get records(): number {
    return this.#entries.length;
  }

  headerFrame(): Uint8Array {
    return encodeJsonFrame('header', 0, this.header, this.base.nonce);
  }

  /** Counts the record as soon as the first step is asked for. */
  *recordFrame({ parts, digest }: EncodedRecord, info: RecordInfo): Steps<readonly Uint8Array[]> {
    const ordinal = this.#nextOrdinal++;
    this.#entries.push({ ordinal, info, digest });
    return yield* frameParts('record', ordinal, parts, this.base.nonce);
  }

  /** Takes a frame that stands in the segment's bytes already, as recovery does. */
  adopt(ordinal: number, info: RecordInfo, digest: string): void {
    this.#entries.push({ ordinal, info, digest });
    this.#nextOrdinal = Math.max(this.#nextOrdinal, ordinal + 1);
  }

  /** Takes back the last records, whose frames were not written. */
  retract(records: number): void {
    if (records === 0) return;
    this.#entries = this.#entries.slice(0, -records);
    this.#nextOrdinal -= records;
  }

  /** Fixes keys and hours. `reference` where the wall clock is right at this moment. */
  footerFrame(closedMs: number, reference: TimeReference | undefined): Uint8Array {
    const footer: SegmentFooter = {
      v: 1,
      header: this.header,
      records: this.#entries.length,
      lastSequence: this.#lastSequence(),
      closedMs,
      ...(reference === undefined ? {} : { reference: { ...reference } }),
      objects: planObjects(
        this.header.layout,
        this.#entries.map(({ ordinal, info, digest }) => ({
          ordinal,
          digest,
          captureId: info.captureId,
          model: info.model,
          timeMs: inferenceTimeMs(info, reference),
        })),
      ).map(({ key, ordinals, captureIds }) => ({
        key,
        ordinals: [...ordinals],
        captureIds: [...captureIds],
      })),
    };
    return encodeJsonFrame('footer', this.#nextOrdinal, footer, this.base.nonce);
  }

  closedName(sizeBytes: number): ClosedName {
    return closedName(this.base, this.#entries.length, this.#lastSequence(), sizeBytes);
  }

  #lastSequence(): number {
    return this.#entries.reduce((last, { info }) => Math.max(last, info.sequence), this.base.firstSequence);
  }
}
