import { encodeObject } from './encode.js';
import type { Failure } from './failure.js';
import type { StoreGate } from './gate.js';
import type { GuardedPut } from './guarded-put.js';
import type { PutRequest } from './object-store.js';
import type { RateLimit } from './rate.js';
import type { Refusals, Suspicion } from './refusals.js';
import { concernsStore } from './schedule.js';
import type { ClaimedSegment, SettledObject, UploadObject } from './segment-source.js';

export interface PassContext {
  readonly gate: StoreGate;
  readonly put: GuardedPut;
  readonly rate: RateLimit;
  readonly gzip: boolean;
  /** Whether what the store refuses is the object's own fault. */
  readonly refusals: Refusals;
  /** Told of each object that was confirmed. */
  readonly onConfirmed: (sentBytes: number, outcome: 'stored' | 'exists') => void;
  readonly onFailure: (failure: Failure) => void;
}

/** Where a segment stands between two passes over it. */
export interface SegmentProgress {
  readonly settled: Map<string, SettledObject>;
  readonly suspicions: Map<string, Suspicion>;
  passes: number;
}

export function newProgress(): SegmentProgress {
  return { settled: new Map(), suspicions: new Map(), passes: 0 };
}

/** `done`: all objects are settled. Else the failure that ended the pass, or the last of single objects. */
export type PassResult = { readonly done: true } | { readonly done: false; readonly failure: Failure };

/**
 * Puts all objects of a segment that are not settled yet. A failure of the store ends the pass; one of a single
 * object does not keep the others from going, but for the records that refer to it. What was confirmed stays
 * confirmed in `progress`; after a restart it is found in the store again by its key.
 */
export async function uploadSegment(
  segment: ClaimedSegment,
  progress: SegmentProgress,
  context: PassContext,
  signal: AbortSignal,
): Promise<PassResult> {
  progress.passes++;
  let last: Failure | undefined;
  let raw: { missing: boolean; refused: string | undefined } = { missing: false, refused: undefined };
  for (const object of segment.objects()) {
    // Records come after the files that they refer to, so that nobody reads a reference to nothing.
    const wait = object.kind === 'records' && raw.missing;
    if (!wait && !progress.settled.has(object.key)) {
      const failure = await uploadObject(object, progress, context, signal);
      if (failure !== undefined && endsPass(failure, context)) return { done: false, failure };
      last = failure ?? last;
    }
    const settled = progress.settled.get(object.key);
    if (object.kind === 'raw') {
      if (settled === undefined) raw.missing = true;
      else if (settled.result === 'refused') raw.refused = settled.reason;
      continue;
    }
    if (settled !== undefined && raw.refused !== undefined)
      progress.settled.set(object.key, { ...settled, result: 'refused', reason: raw.refused });
    raw = { missing: false, refused: undefined };
  }
  return last === undefined ? { done: true } : { done: false, failure: last };
}

/** The receipt's entries: raw files stand for nothing of their own. */
export function settledRecords(progress: SegmentProgress): SettledObject[] {
  return [...progress.settled.values()].filter((object) => object.captureIds.length > 0);
}

async function uploadObject(
  object: UploadObject,
  progress: SegmentProgress,
  context: PassContext,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const request = await encodeObject(object, context.gzip);
  const outcome = await throughGate(request, context, signal);
  const { key, sha256, captureIds } = object;
  const settled = { key, sha256, captureIds, sizeBytes: object.bytes.byteLength };
  if (outcome.outcome !== 'failed') {
    progress.settled.set(key, { ...settled, result: 'delivered' });
    context.onConfirmed(request.bytes.byteLength, outcome.outcome);
    return undefined;
  }
  const { failure } = outcome;
  context.onFailure(failure);
  if (failure.class !== 'poison' && failure.class !== 'refusal') return failure;
  const suspicion = context.refusals.next(failure, progress.suspicions.get(key));
  progress.suspicions.set(key, suspicion);
  if (!context.refusals.isPoison(suspicion)) return failure;
  progress.settled.set(key, { ...settled, result: 'refused', reason: failure.reason });
  return undefined;
}

function endsPass(failure: Failure, { refusals }: PassContext): boolean {
  return concernsStore(failure) || refusals.concernsStore(failure);
}

async function throughGate(
  request: PutRequest,
  context: PassContext,
  signal: AbortSignal,
): ReturnType<GuardedPut['put']> {
  const { gate, put, rate, refusals } = context;
  const permit = await gate.enter(signal);
  let told = false;
  try {
    await rate.take(request.bytes.byteLength, signal);
    const outcome = await put.put(request, signal);
    signal.throwIfAborted();
    if (outcome.outcome !== 'failed') {
      refusals.succeeded();
      gate.leave(permit);
    } else if (endsPass(outcome.failure, context)) gate.leave(permit, outcome.failure);
    else gate.abandon();
    told = true;
    return outcome;
  } finally {
    if (!told) gate.abandon();
  }
}
