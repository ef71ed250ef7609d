import { encodeObject } from './encode.js';
import type { Failure } from './failure.js';
import type { StoreGate } from './gate.js';
import type { GuardedPut } from './guarded-put.js';
import type { PutRequest } from './object-store.js';
import type { RateLimit } from './rate.js';
import { concernsStore } from './schedule.js';
import type { ReceiptObject, SegmentSource, UploadObject } from './segment-source.js';

export interface PassContext {
  readonly source: SegmentSource;
  readonly gate: StoreGate;
  readonly put: GuardedPut;
  readonly rate: RateLimit;
  readonly gzip: boolean;
  /** Tries of an object that is refused deterministically. */
  readonly poisonTries: number;
  /** Told of each object that was confirmed. */
  readonly onConfirmed: (object: ReceiptObject, outcome: 'stored' | 'exists') => void;
  readonly onFailure: (failure: Failure) => void;
}

/** Where a segment stands between two passes over it. */
export interface SegmentProgress {
  readonly settled: Map<string, ReceiptObject>;
  readonly refusals: Map<string, number>;
  passes: number;
}

export function newProgress(): SegmentProgress {
  return { settled: new Map(), refusals: new Map(), passes: 0 };
}

/** `done`: all objects are settled. Else the failure that ended the pass, or the last of single objects. */
export type PassResult = { readonly done: true } | { readonly done: false; readonly failure: Failure };

/**
 * Puts all objects of a segment that are not settled yet. A failure of the store ends the pass; one of a single
 * object does not keep the others from going. What was confirmed stays confirmed in `progress`; after a
 * restart it is found in the store again by its key.
 */
export async function uploadSegment(
  segment: string,
  progress: SegmentProgress,
  context: PassContext,
  signal: AbortSignal,
): Promise<PassResult> {
  progress.passes++;
  let last: Failure | undefined;
  for await (const object of context.source.objects(segment)) {
    if (progress.settled.has(object.key)) continue;
    const failure = await uploadObject(object, progress, context, signal);
    if (failure === undefined) continue;
    if (concernsStore(failure)) return { done: false, failure };
    last = failure;
  }
  return last === undefined ? { done: true } : { done: false, failure: last };
}

async function uploadObject(
  object: UploadObject,
  progress: SegmentProgress,
  context: PassContext,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const request = await encodeObject(object, context.gzip);
  const outcome = await throughGate(request, context, signal);
  const receipt = {
    key: object.key,
    sizeBytes: request.bytes.byteLength,
    sha256: request.sha256,
    captureIds: object.captureIds,
  };
  if (outcome.outcome !== 'failed') {
    const confirmed = { ...receipt, result: 'delivered' as const };
    progress.settled.set(object.key, confirmed);
    context.onConfirmed(confirmed, outcome.outcome);
    return undefined;
  }
  const { failure } = outcome;
  context.onFailure(failure);
  if (failure.class !== 'poison') return failure;
  const refusals = (progress.refusals.get(object.key) ?? 0) + 1;
  progress.refusals.set(object.key, refusals);
  if (refusals < context.poisonTries) return failure;
  progress.settled.set(object.key, { ...receipt, result: 'refused', reason: failure.reason });
  return undefined;
}

async function throughGate(
  request: PutRequest,
  { gate, put, rate }: PassContext,
  signal: AbortSignal,
): ReturnType<GuardedPut['put']> {
  const permit = await gate.enter(signal);
  let told = false;
  try {
    await rate.take(request.bytes.byteLength, signal);
    const outcome = await put.put(request, signal);
    signal.throwIfAborted();
    if (outcome.outcome !== 'failed') gate.leave(permit);
    else if (concernsStore(outcome.failure)) gate.leave(permit, outcome.failure);
    else gate.abandon();
    told = true;
    return outcome;
  } finally {
    if (!told) gate.abandon();
  }
}
