import { open } from 'node:fs/promises';
import type { HttpRequest } from '../../http/mod.js';
import type { Clock } from '../../../core/mod.js';
import {
  CHECKSUM_ALGORITHMS,
  startChecksum,
  type ChecksumAlgorithm,
  type RunningChecksum,
} from './checksums.js';
import { AwsChunkedDecoder } from './chunked.js';
import { s3Errors } from './errors.js';
import { flipMiddleBit, type Fault } from './faults.js';

/** A body that was received whole and passed every check that its headers asked for. */
export interface ReceivedBody {
  readonly sizeBytes: number;
  readonly md5Hex: string;
  /** Base64 by algorithm: what the client sent and this server verified, and CRC32 where it sent none. */
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}

/** The connection is to be reset: a scripted fault, or a client that left. */
export class ConnectionDropped extends Error {
  override readonly name = 'ConnectionDropped';
}

/** Writes the request's body to `file`, checking length, payload hash, Content-MD5 and checksums. Throws S3Error. */
export async function receiveBody(
  request: HttpRequest,
  file: string,
  fault: Fault | undefined,
  clock: Clock,
): Promise<ReceivedBody> {
  const headers = request.headers;
  const plan = planOf(
    headers['x-amz-content-sha256'],
    headers['content-length'],
    headers['transfer-encoding'],
  );
  const sha256 = startChecksum('sha256');
  const md5 = startChecksum('md5');
  const announced = announcedChecksums(headers);
  const running = new Map<ChecksumAlgorithm, RunningChecksum>(
    [...announced.keys()].map((name) => [name, startChecksum(name)]),
  );
  if (running.size === 0) running.set('crc32', startChecksum('crc32'));
  const chunked = plan.chunked ? new AwsChunkedDecoder() : undefined;
  let sizeBytes = 0;
  const handle = await open(file, 'w', 0o600);
  try {
    for await (const piece of pieces(request, fault, clock)) {
      for (const part of chunked === undefined ? [piece] : chunked.write(piece)) {
        sizeBytes += part.length;
        for (const sum of [sha256, md5, ...running.values()]) sum.update(part);
        await handle.writeFile(part);
      }
    }
  } finally {
    await handle.close();
  }
  const trailers = chunked?.end() ?? {};
  const decoded = headers['x-amz-decoded-content-length'];
  if (plan.chunked && typeof decoded === 'string' && Number(decoded) !== sizeBytes)
    throw s3Errors.incompleteBody();
  const hex = Buffer.from(sha256.digest(), 'base64').toString('hex');
  if (plan.sha256Hex !== undefined && plan.sha256Hex !== hex) throw s3Errors.payloadMismatch();
  const md5Base64 = md5.digest();
  if (headers['content-md5'] !== undefined && headers['content-md5'] !== md5Base64)
    throw s3Errors.badDigest('Content-MD5');
  const checksums = checked(running, announced, trailers);
  return { sizeBytes, md5Hex: Buffer.from(md5Base64, 'base64').toString('hex'), checksums };
}

interface BodyPlan {
  readonly chunked: boolean;
  readonly sha256Hex: string | undefined;
}

function planOf(
  sha256: string | string[] | undefined,
  length: string | undefined,
  transfer: string | undefined,
): BodyPlan {
  if (typeof sha256 !== 'string') throw s3Errors.invalidRequest('x-amz-content-sha256 is missing');
  if (length === undefined && transfer === undefined) throw s3Errors.missingContentLength();
  if (sha256 === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') return { chunked: true, sha256Hex: undefined };
  if (sha256.startsWith('STREAMING-')) throw s3Errors.notImplemented(`payloads of the form ${sha256}`);
  if (length === undefined) throw s3Errors.missingContentLength();
  return { chunked: false, sha256Hex: sha256 === 'UNSIGNED-PAYLOAD' ? undefined : sha256 };
}

/** Which checksums the client sends, with the value where it stands in a header (a trailer's value comes last). */
function announcedChecksums(headers: HttpRequest['headers']): Map<ChecksumAlgorithm, string | undefined> {
  const found = new Map<ChecksumAlgorithm, string | undefined>();
  const trailer = String(headers['x-amz-trailer'] ?? '').toLowerCase();
  for (const name of CHECKSUM_ALGORITHMS) {
    const value = headers[`x-amz-checksum-${name}`];
    if (typeof value === 'string') found.set(name, value);
    else if (trailer.split(',').some((part) => part.trim() === `x-amz-checksum-${name}`))
      found.set(name, undefined);
  }
  return found;
}

function checked(
  running: Map<ChecksumAlgorithm, RunningChecksum>,
  announced: Map<ChecksumAlgorithm, string | undefined>,
  trailers: Readonly<Record<string, string>>,
): Partial<Record<ChecksumAlgorithm, string>> {
  const sums: Partial<Record<ChecksumAlgorithm, string>> = {};
  for (const [name, sum] of running) {
    const actual = sum.digest();
    const wanted = announced.get(name) ?? trailers[`x-amz-checksum-${name}`];
    if (announced.has(name) && wanted !== actual) throw s3Errors.badDigest(name.toUpperCase());
    sums[name] = actual;
  }
  return sums;
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
