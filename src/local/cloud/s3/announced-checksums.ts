import { CHECKSUM_ALGORITHMS, isChecksum, isChecksumAlgorithm, type ChecksumAlgorithm } from './checksums.js';
import { s3Errors } from './errors.js';

/** The checksum that a client says it sends: its value, or undefined where the value comes behind the body. */
export interface AnnouncedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string | undefined;
}

type Headers = Readonly<Record<string, string>>;

/** Throws InvalidRequest for what S3 refuses: two checksums, one that can't be one, or one that is named and does not come. */
export function announcedChecksum(headers: Headers): AnnouncedChecksum | undefined {
  const found: AnnouncedChecksum[] = CHECKSUM_ALGORITHMS.flatMap((algorithm) => {
    const value = headers[`x-amz-checksum-${algorithm}`];
    return value === undefined ? [] : [{ algorithm, value }];
  });
  const trailer = (headers['x-amz-trailer'] ?? '').toLowerCase().trim();
  if (trailer !== '') found.push({ algorithm: algorithmOf(trailer), value: undefined });
  const [first, second] = found;
  if (second !== undefined)
    throw s3Errors.invalidRequest(
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  if (first?.value !== undefined && !isChecksum(first.algorithm, first.value))
    throw s3Errors.invalidRequest(`Value for x-amz-checksum-${first.algorithm} header is invalid.`);
  checkNamed(headers['x-amz-sdk-checksum-algorithm']?.toLowerCase(), first);
  return first;
}

function algorithmOf(trailer: string): ChecksumAlgorithm {
  const name = trailer.replace(/^x-amz-checksum-/, '');
  if (!trailer.startsWith('x-amz-checksum-') || !isChecksumAlgorithm(name))
    throw s3Errors.invalidRequest('The value specified in the x-amz-trailer header is not supported');
  return name;
}

function checkNamed(named: string | undefined, found: AnnouncedChecksum | undefined): void {
  if (named === undefined) return;
  if (!isChecksumAlgorithm(named))
    throw s3Errors.invalidRequest('Value for x-amz-sdk-checksum-algorithm header is invalid.');
  if (found === undefined)
    throw s3Errors.invalidRequest(
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  if (found.algorithm !== named)
    throw s3Errors.invalidRequest('Value for x-amz-sdk-checksum-algorithm header is invalid.');
}
