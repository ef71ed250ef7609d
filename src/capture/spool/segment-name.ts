import { PRIORITIES, type Priority } from '../captured/priority.js';

/**
 * What a segment's name tells without opening it, so that a start over 100,000 of them is one listing:
 *
 *   open/<base>                      being written
 *   open/<base>.cut<bytes>           given up after a failed sync: only its first <bytes> count
 *   closed/<base>.r<records>.l<last sequence>.b<bytes>.seg
 *   done/<base>.r<records>.l<last sequence>.b<bytes>.sent    empty: uploaded on a disk without room for a receipt
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

const BASE = /^\d{16}-(?:error|outlier|sample)-[0-9a-f]{8}$/;
const CUT = /^cut\d{1,15}$/;
/** Length of the digits of the first sequence number, and of the nonce. */
const SEQUENCE_DIGITS = 16;
const NONCE_DIGITS = 8;
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
  const [text, cut, ...more] = name.split('.');
  const base = parseBase(text);
  if (base === undefined || more.length > 0 || (cut !== undefined && !CUT.test(cut))) return undefined;
  return { ...base, cutBytes: cut === undefined ? undefined : Number(cut.slice(3)) };
}

export function parseClosedName(name: string): ClosedName | undefined {
  const [text, r = '', l = '', b = '', suffix, ...more] = name.split('.');
  const base = suffix === 'seg' && more.length === 0 ? parseBase(text) : undefined;
  if (base === undefined) return undefined;
  const records = labelled(r, 'r');
  const lastSequence = labelled(l, 'l');
  const sizeBytes = labelled(b, 'b');
  if (records < 0 || sizeBytes < 0 || lastSequence < 0 || lastSequence > MAX_SEQUENCE) return undefined;
  const { firstSequence, priority, nonce } = base;
  return { base: base.base, firstSequence, priority, nonce, file: name, records, lastSequence, sizeBytes };
}

const SENT = /\.sent$/;

/** The name of the empty file that says of a segment that all its `records` were uploaded: `<as in closed>.sent`. */
export function sentName(name: ClosedName, records: number): string {
  const { file } = closedName(name, records, name.lastSequence, name.sizeBytes);
  return file.replace(/\.seg$/, '.sent');
}

export function parseSentName(name: string): ClosedName | undefined {
  return SENT.test(name) ? parseClosedName(name.replace(SENT, '.seg')) : undefined;
}

/** The segment that a receipt's file name speaks of. */
export function parseReceiptName(name: string): SegmentBase | undefined {
  const [text, suffix, ...more] = name.split('.');
  return suffix === 'receipt' && more.length === 0 ? parseBase(text) : undefined;
}

/** The number behind a letter, or -1. */
function labelled(text: string, label: string): number {
  if (!text.startsWith(label) || text.length < 2 || text.length > SEQUENCE_DIGITS + 1) return -1;
  for (let at = 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 57) return -1;
  }
  return Number(text.slice(1));
}

export function parseBase(text: string | undefined): SegmentBase | undefined {
  if (text === undefined || !BASE.test(text)) return undefined;
  const firstSequence = Number(text.slice(0, SEQUENCE_DIGITS));
  const middle = text.slice(SEQUENCE_DIGITS + 1, -NONCE_DIGITS - 1);
  const priority = PRIORITIES.find((known) => known === middle);
  if (priority === undefined || firstSequence > MAX_SEQUENCE) return undefined;
  return { base: text, firstSequence, priority, nonce: Number.parseInt(text.slice(-NONCE_DIGITS), 16) };
}
