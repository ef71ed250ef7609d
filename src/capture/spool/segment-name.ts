import { PRIORITIES, type Priority } from '../port.js';

/**
 * What a segment's name tells without opening it, so that a start over 100,000 of them is one listing:
 *
 *   open/<base>                      being written
 *   open/<base>.cut<bytes>           given up after a failed sync: only its first <bytes> count
 *   closed/<base>.r<records>.l<last sequence>.b<bytes>.seg
 *
 * with base = <first sequence, 16 digits>-<priority>-<nonce, 8 hex>.
 */
export interface SegmentBase {
  readonly base: string;
  readonly firstSequence: number;
  readonly priority: Priority;
  readonly nonce: number;
}

export interface OpenName extends SegmentBase {
  readonly cutBytes: number | undefined;
}

export interface ClosedName extends SegmentBase {
  readonly file: string;
  readonly records: number;
  readonly lastSequence: number;
  readonly sizeBytes: number;
}

const BASE = `(\\d{16})-(${PRIORITIES.join('|')})-([0-9a-f]{8})`;
const OPEN = new RegExp(`^(${BASE})(?:\\.cut(\\d{1,15}))?$`);
const CLOSED = new RegExp(`^(${BASE})\\.r(\\d{1,9})\\.l(\\d{1,16})\\.b(\\d{1,15})\\.seg$`);
const RECEIPT = new RegExp(`^(${BASE})\\.receipt$`);
/** A sequence above this is damage or mischief; taking it would end the numbers. */
export const MAX_SEQUENCE = 2 ** 52;

export function segmentBase(firstSequence: number, priority: Priority, nonce: number): SegmentBase {
  const base = `${String(firstSequence).padStart(16, '0')}-${priority}-${nonce.toString(16).padStart(8, '0')}`;
  return { base, firstSequence, priority, nonce };
}

export function closedName(
  base: SegmentBase,
  records: number,
  lastSequence: number,
  sizeBytes: number,
): ClosedName {
  const file = `${base.base}.r${records}.l${lastSequence}.b${sizeBytes}.seg`;
  return { ...base, file, records, lastSequence, sizeBytes };
}

export function parseOpenName(name: string): OpenName | undefined {
  const match = OPEN.exec(name);
  const base = baseOf(match);
  if (match === null || base === undefined) return undefined;
  return { ...base, cutBytes: match[5] === undefined ? undefined : Number(match[5]) };
}

export function parseClosedName(name: string): ClosedName | undefined {
  const match = CLOSED.exec(name);
  const base = baseOf(match);
  if (match === null || base === undefined) return undefined;
  const lastSequence = Number(match[6]);
  if (lastSequence > MAX_SEQUENCE) return undefined;
  return { ...base, file: name, records: Number(match[5]), lastSequence, sizeBytes: Number(match[7]) };
}

/** The segment that a receipt's file name speaks of. */
export function parseReceiptName(name: string): SegmentBase | undefined {
  return baseOf(RECEIPT.exec(name));
}

function baseOf(match: RegExpExecArray | null): SegmentBase | undefined {
  const [, base, first, priority, nonce] = match ?? [];
  const known = PRIORITIES.find((other) => other === priority);
  if (base === undefined || known === undefined || Number(first) > MAX_SEQUENCE) return undefined;
  return { base, firstSequence: Number(first), priority: known, nonce: Number.parseInt(nonce ?? '', 16) };
}
