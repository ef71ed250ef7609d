import { s3Errors } from './errors.js';

/** A part of an object, in bytes. */
export interface ByteRange {
  readonly start: number;
  readonly endExclusive: number;
}

/**
 * What a Range header asks for; undefined for all of the object, also where the header is none that S3 understands:
 * several ranges, other units, other signs. Throws InvalidRange where the object has none of the bytes.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec((header ?? '').trim()) ?? [];
  if (header === undefined || (first === '' && last === '')) return undefined;
  if (first !== '' && last !== '' && Number(first) > Number(last)) return undefined;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const endExclusive = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  if (start >= endExclusive) throw s3Errors.invalidRange(header, sizeBytes);
  return { start, endExclusive };
}

/** The bytes of one part. An object that was put in one piece has one. Throws InvalidPartNumber. */
export function rangeOfPart(
  text: string,
  sizeBytes: number,
  parts: readonly number[] | undefined,
): ByteRange {
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > 10_000)
    throw s3Errors.invalidArgument('Part number must be an integer between 1 and 10000, inclusive');
  const sizes = parts ?? [sizeBytes];
  const size = sizes[number - 1];
  if (size === undefined) throw s3Errors.invalidPartNumber();
  const start = sizes.slice(0, number - 1).reduce((sum, one) => sum + one, 0);
  return { start, endExclusive: start + size };
}

/** Of `x-amz-copy-source-range`, which must lie within the source. Throws InvalidArgument or InvalidRequest. */
export function copyRange(header: string, sizeBytes: number): ByteRange {
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(header) ?? [];
  const range = { start: Number(first), endExclusive: Number(last) + 1 };
  if (first === '' || range.start >= range.endExclusive)
    throw s3Errors.invalidArgument(
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    );
  if (range.endExclusive > sizeBytes)
    throw s3Errors.invalidArgument(`Range specified is not valid for source object of size: ${sizeBytes}`);
  return range;
}
