import type { Clock } from '../../../core/mod.js';
import { startDigest } from '../../../system/mod.js';
import type { HttpRequest } from '../../http/mod.js';
import { announcedChecksum, type AnnouncedChecksum } from './announced-checksums.js';
import type { S3Call } from './call.js';
import { DEFAULT_ALGORITHM, type ChecksumAlgorithm } from './checksums.js';
import { AwsChunkedDecoder } from './chunked.js';
import { readText, removeFile } from './disk-files.js';
import { s3Errors } from './errors.js';
import { flipMiddleBit, type Fault } from './faults.js';
import { payloadFormOf, type PayloadForm } from './payload-form.js';
import { writeSummed, type SummedFile } from './summed-copy.js';

/** A body that was received whole and passed every check that its headers asked for. */
export interface ReceivedBody extends SummedFile {
  /** The checksum that the client sent. */
  readonly sent: ChecksumAlgorithm | undefined;
}

/** The connection is to be reset: a scripted fault, or a client that left. */
export class ConnectionDropped extends Error {
  override readonly name = 'ConnectionDropped';
}

/** Of a single put and of a part. */
export const MAX_BODY_BYTES = 5 * 1024 ** 3;
const MAX_XML_BYTES = 4 * 1024 * 1024;

type BodyCall = Pick<S3Call, 'request' | 'headers' | 'fault' | 'chunkSignatures'>;

/**
 * Writes the request's body to `file`, checking length, payload hash, Content-MD5 and checksum. Throws S3Error.
 * @param algorithm the checksum to take beside the client's; default: S3's own where the client sends none
 */
export async function receiveBody(
  call: BodyCall,
  file: string,
  clock: Clock,
  algorithm?: ChecksumAlgorithm,
): Promise<ReceivedBody> {
  const { headers } = call;
  const form = payloadFormOf(headers);
  if (form.sizeBytes > MAX_BODY_BYTES) throw s3Errors.entityTooLarge(form.sizeBytes, MAX_BODY_BYTES);
  const wantedMd5 = contentMd5Of(headers);
  const announced = announcedChecksum(headers);
  const chunked = form.isChunked
    ? new AwsChunkedDecoder(form.isSigned ? call.chunkSignatures : undefined)
    : undefined;
  const sha256 = startDigest('sha256');
  const algorithms = [
    announced?.algorithm ?? DEFAULT_ALGORITHM,
    ...(algorithm === undefined ? [] : [algorithm]),
  ];
  const received = await writeSummed(file, decoded(call, form, chunked, clock), algorithms, [sha256]);
  if (received.sizeBytes !== form.sizeBytes) throw s3Errors.incompleteBody();
  const trailers = chunked?.end() ?? {};
  const hex = sha256.digest('hex');
  if (form.sha256Hex !== undefined && form.sha256Hex !== hex)
    throw s3Errors.payloadMismatch(form.sha256Hex, hex);
  if (wantedMd5 !== undefined && wantedMd5 !== received.md5Hex) throw s3Errors.badDigest('Content-MD5');
  if (announced !== undefined) compare(announced, trailers, received);
  return { ...received, sent: announced?.algorithm };
}

/** A small body, as text. Throws MalformedXML where it is too large to be what is expected. */
export async function receiveText(call: BodyCall, file: string, clock: Clock): Promise<string> {
  if (Number(call.headers['content-length'] ?? 0) > MAX_XML_BYTES) throw s3Errors.malformedXml();
  try {
    const { sizeBytes } = await receiveBody(call, file, clock);
    if (sizeBytes > MAX_XML_BYTES) throw s3Errors.malformedXml();
    return await readText(file);
  } finally {
    await removeFile(file);
  }
}

function compare(
  { algorithm, value }: AnnouncedChecksum,
  trailers: Readonly<Record<string, string>>,
  { checksums }: SummedFile,
): void {
  const wanted = value ?? trailers[`x-amz-checksum-${algorithm}`];
  if (wanted === undefined) throw s3Errors.malformedTrailer();
  if (wanted !== checksums[algorithm]) throw s3Errors.badDigest(algorithm.toUpperCase());
}

/** Hex. Throws InvalidDigest. */
function contentMd5Of(headers: S3Call['headers']): string | undefined {
  const header = headers['content-md5'];
  if (header === undefined) return undefined;
  const bytes = Buffer.from(header, 'base64');
  if (bytes.length !== 16 || bytes.toString('base64') !== header) throw s3Errors.invalidDigest('Content-MD5');
  return bytes.toString('hex');
}

/** The body's bytes; never more than were announced, so that no disk fills with what nobody asked to store. */
async function* decoded(
  { request, fault }: BodyCall,
  { sizeBytes }: PayloadForm,
  chunked: AwsChunkedDecoder | undefined,
  clock: Clock,
): AsyncGenerator<Buffer> {
  let received = 0;
  for await (const piece of pieces(request, fault, clock)) {
    for (const part of chunked === undefined ? [piece] : chunked.write(piece)) {
      received += part.length;
      if (received > sizeBytes) throw s3Errors.incompleteBody();
      yield part;
    }
  }
}

/** The raw body in pieces, with the scripted faults of the way. */
async function* pieces(request: HttpRequest, fault: Fault | undefined, clock: Clock): AsyncGenerator<Buffer> {
  const half = Number(request.headers['content-length'] ?? 0) / 2;
  let received = 0;
  let flip = fault?.kind === 'flip-byte' && fault.where === 'transit';
  try {
    // Leaving this loop early must not close the connection: an error's answer still goes over it.
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      received += piece.length;
      if (fault?.kind === 'half-body' && received >= half)
        throw new ConnectionDropped('Scripted: half a body');
      if (fault?.kind === 'slow') await clock.sleep((piece.length / fault.bytesPerSecond) * 1000);
      yield flip ? flipMiddleBit(piece) : piece;
      flip = false;
    }
  } catch (error) {
    throw request.complete ? error : new ConnectionDropped('The client left', { cause: error });
  }
}
