import { parseBase, parseClosedName, type ClosedName, type SegmentBase } from './segment-name.js';

/**
 * Names in `quarantine/`; entries that belong together share their number:
 *
 *   <number, 10 digits>-<as in closed>.seg              a segment with records that were not delivered
 *   <number, 10 digits>-<as in closed>.seg.to-<base>    the same on its way back to `closed/`, as that segment
 *   <number, 10 digits>-<base>.q<refused>.fate          what became of the segment's records, and how many were refused
 *   <number, 10 digits>-<anything>                      damaged bytes
 */
export interface QuarantineName {
  readonly number: number;
  readonly segment?: ClosedName;
  /** The segment that its records come back as. */
  readonly target?: SegmentBase;
  /** Of a fate: how many records were not delivered. */
  readonly refused?: number;
  readonly isFate: boolean;
}

const NAME = /^(\d{10})-(.*)$/;
const WAY_BACK = /^(.*\.seg)\.to-(.*)$/;
const FATE = /^.*\.q(\d{1,15})\.fate$/;

export function quarantineName(number: number, label: string): string {
  return `${String(number).padStart(10, '0')}-${label}`;
}

/** The name of what tells that so many records of a segment were refused: a start need not read it. */
export function fateName(number: number, base: string, refused: number): string {
  return quarantineName(number, `${base}.q${refused}.fate`);
}

/** A file that nobody of ours named counts as damaged bytes, the oldest of all. */
export function parseQuarantineName(name: string): QuarantineName {
  const [, digits, label = ''] = NAME.exec(name) ?? [];
  const number = digits === undefined ? 0 : Number(digits);
  const [, file = label, to] = WAY_BACK.exec(label) ?? [];
  const segment = parseClosedName(file);
  const target = parseBase(to);
  const [, refused] = FATE.exec(label) ?? [];
  return {
    number,
    isFate: refused !== undefined,
    ...(refused === undefined ? {} : { refused: Number(refused) }),
    ...(segment === undefined ? {} : { segment }),
    ...(target === undefined ? {} : { target }),
  };
}

export function wayBackName(name: string, target: SegmentBase): string {
  return `${name}.to-${target.base}`;
}
