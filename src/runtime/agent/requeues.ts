import type { Static } from '@sinclair/typebox';
import type { CaptureSpool, QuarantinedCaptures } from '../../capture/mod.js';
import type { listQuarantinedOperation, requeueOperation, QuarantinedSegment } from '../../contract/mod.js';
import { EdgeError, messageOf, type Logger } from '../../core/mod.js';

/** A reply of so many segments, with so many ids each, fits into a message. */
const SEGMENTS_AT_ONCE = 10;
const IDS_AT_ONCE = 50;

type Asked = Static<typeof requeueOperation.request>;
type Listed = Static<typeof listQuarantinedOperation.reply>;
type Requeued = Static<typeof requeueOperation.reply>;

/** Captures in quarantine, as the operator sees them and brings them back. */
export class Requeues {
  readonly #capture: Pick<CaptureSpool, 'quarantined' | 'requeue' | 'status'>;
  readonly #logger: Logger;

  constructor(capture: Pick<CaptureSpool, 'quarantined' | 'requeue' | 'status'>, logger: Logger) {
    this.#capture = capture;
    this.#logger = logger;
  }

  async list({ after = -1 }: Static<typeof listQuarantinedOperation.request>): Promise<Listed> {
    const { page, next } = pageOf(await this.#capture.quarantined(), after);
    return { segments: page.map((held) => told(held, held.captureIds)), ...next };
  }

  /**
   * Brings back what was asked for, a page of segments at a time. What is not in quarantine any more is no error.
   * @throws EdgeError FIELD_INVALID where not exactly one of ids, reason and all was given
   */
  async requeue(asked: Asked): Promise<Requeued> {
    const wanted = selectionOf(asked);
    const all = await this.#capture.quarantined();
    const { page, next } = pageOf(all.filter(wanted), asked.after ?? -1);
    const requeued: QuarantinedSegment[] = [];
    const failed: { segment: string; reason: string }[] = [];
    for (const held of page) {
      try {
        const captureIds = await this.#capture.requeue(held.number);
        if (captureIds.length > 0) requeued.push(told({ ...held, records: captureIds.length }, captureIds));
      } catch (thrown) {
        const { segment } = held;
        failed.push({ segment, reason: messageOf(thrown) });
        this.#logger.warn('Captures could not be brought back', { segment, reason: messageOf(thrown) });
      }
    }
    const held = new Set(all.flatMap(({ captureIds }) => captureIds));
    const elsewhere = (asked.captureIds ?? [])
      .filter((captureId) => !held.has(captureId))
      .map((captureId) => ({ captureId, state: this.#capture.status(captureId).state }));
    return { requeued, failed, elsewhere, ...next };
  }
}

function selectionOf({ captureIds, reason, all }: Asked): (held: QuarantinedCaptures) => boolean {
  const given = [captureIds, reason, all].filter((one) => one !== undefined).length;
  if (given !== 1) {
    throw new EdgeError(
      'FIELD_INVALID',
      `Cannot bring captures back as exactly one of ids, a reason and all must be given: current number is ${given}`,
      { nextStep: 'Give capture ids, or --reason TEXT, or --all' },
    );
  }
  if (all !== undefined) return () => true;
  if (reason !== undefined) {
    const part = reason.toLowerCase();
    return (held) => held.reason?.toLowerCase().includes(part) === true;
  }
  const ids = new Set(captureIds);
  return (held) => held.captureIds.some((id) => ids.has(id));
}

function pageOf(
  all: readonly QuarantinedCaptures[],
  after: number,
): { readonly page: readonly QuarantinedCaptures[]; readonly next: { after?: number } } {
  const rest = all.filter(({ number }) => number > after);
  const page = rest.slice(0, SEGMENTS_AT_ONCE);
  const last = page.at(-1)?.number;
  return { page, next: rest.length > page.length && last !== undefined ? { after: last } : {} };
}

function told(held: QuarantinedCaptures, captureIds: readonly string[]): QuarantinedSegment {
  const { segment, records, sizeBytes, reason } = held;
  return {
    segment,
    records,
    sizeBytes,
    ...(reason === undefined ? {} : { reason }),
    captureIds: captureIds.slice(0, IDS_AT_ONCE),
  };
}
