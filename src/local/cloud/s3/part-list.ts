import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from './checksums.js';
import { s3Errors } from './errors.js';
import { allowChildren, childText, parseXml, type XmlNode } from './request-xml.js';
import type { MultipartUpload, UploadedPart } from './uploads.js';

const MIN_PART_BYTES = 5 * 1024 * 1024;
const MAX_PARTS = 10_000;

/** A part as the request names it. */
export interface ListedPart {
  readonly number: number;
  readonly etag: string;
  readonly checksums: ReadonlyMap<ChecksumAlgorithm, string>;
}

/** Throws MalformedXML. */
export function readPartList(text: string): ListedPart[] {
  const root = parseXml(text, 'CompleteMultipartUpload');
  allowChildren(root, ['Part']);
  if (root.children.length === 0 || root.children.length > MAX_PARTS) throw s3Errors.malformedXml();
  return root.children.map(readPart);
}

function readPart(node: XmlNode): ListedPart {
  allowChildren(node, ['PartNumber', 'ETag', ...CHECKSUM_ALGORITHMS.map(elementOf)]);
  const number = childText(node, 'PartNumber')?.trim() ?? '';
  const etag = childText(node, 'ETag');
  if (!/^\d{1,5}$/.test(number) || etag === undefined) throw s3Errors.malformedXml();
  const checksums = CHECKSUM_ALGORITHMS.flatMap((name): [ChecksumAlgorithm, string][] => {
    const value = childText(node, elementOf(name));
    return value === undefined ? [] : [[name, value]];
  });
  return { number: Number(number), etag: etag.replaceAll('"', ''), checksums: new Map(checksums) };
}

function elementOf(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm.toUpperCase()}`;
}

/** The parts that are to be joined. Throws InvalidPartOrder, InvalidPart, InvalidRequest or EntityTooSmall. */
export function chosenParts(upload: MultipartUpload, listed: readonly ListedPart[]): UploadedPart[] {
  if (listed.some(({ number }, index) => index > 0 && (listed[index - 1]?.number ?? 0) >= number))
    throw s3Errors.invalidPartOrder();
  const parts = listed.map((one) => {
    const part = upload.parts.get(one.number);
    if (part === undefined || part.etag !== one.etag || !hasSums(part, one))
      throw s3Errors.invalidPart(one.number);
    if (upload.isChosen && upload.type === 'COMPOSITE' && !one.checksums.has(upload.algorithm))
      throw s3Errors.invalidRequest(
        `The upload was created using a ${upload.algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${one.number} in the request.`,
      );
    return { number: one.number, part };
  });
  const small = parts.slice(0, -1).find(({ part }) => part.sizeBytes < MIN_PART_BYTES);
  if (small !== undefined) throw s3Errors.entityTooSmall(small.number, small.part.sizeBytes);
  return parts.map(({ part }) => part);
}

function hasSums(part: UploadedPart, { checksums }: ListedPart): boolean {
  return [...checksums].every(([name, value]) => part.checksums[name] === value);
}
