import { s3Errors } from './errors.js';

/** How a request's body comes, by its headers. */
export interface PayloadForm {
  /** Of what is inside. */
  readonly sizeBytes: number;
  readonly isChunked: boolean;
  /** Whether each chunk is signed. */
  readonly isSigned: boolean;
  /** Of the whole body; undefined where nobody signed it. */
  readonly sha256Hex: string | undefined;
}

const STREAMING: Readonly<Record<string, { readonly isSigned: boolean; readonly hasTrailer: boolean }>> = {
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER': { isSigned: false, hasTrailer: true },
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD': { isSigned: true, hasTrailer: false },
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': { isSigned: true, hasTrailer: true },
};

/** @param headers lower-case names. Throws MissingContentLength, NotImplemented, InvalidRequest or InvalidArgument. */
export function payloadFormOf(headers: Readonly<Record<string, string>>): PayloadForm {
  const sha256 = headers['x-amz-content-sha256'];
  if (sha256 === undefined)
    throw s3Errors.invalidRequest('Missing required header for this request: x-amz-content-sha256');
  const streaming = STREAMING[sha256];
  if (streaming !== undefined) return streamingForm(streaming, headers);
  if (sha256.startsWith('STREAMING-')) throw s3Errors.notImplemented(`payloads of the form ${sha256}`);
  if (headers['transfer-encoding'] !== undefined)
    throw s3Errors.notImplemented('the header Transfer-Encoding here');
  const length = headers['content-length'];
  if (length === undefined) throw s3Errors.missingContentLength();
  if (sha256 !== 'UNSIGNED-PAYLOAD' && !/^[0-9a-f]{64}$/.test(sha256))
    throw s3Errors.invalidArgument(
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
    );
  const sha256Hex = sha256 === 'UNSIGNED-PAYLOAD' ? undefined : sha256;
  return { sizeBytes: Number(length), isChunked: false, isSigned: false, sha256Hex };
}

function streamingForm(
  { isSigned, hasTrailer }: { readonly isSigned: boolean; readonly hasTrailer: boolean },
  headers: Readonly<Record<string, string>>,
): PayloadForm {
  const length = headers['x-amz-decoded-content-length'];
  if (length === undefined) throw s3Errors.missingContentLength();
  if (!/^\d{1,15}$/.test(length))
    throw s3Errors.invalidArgument('x-amz-decoded-content-length is not a length');
  if (hasTrailer && headers['x-amz-trailer'] === undefined)
    throw s3Errors.invalidRequest('x-amz-trailer is missing');
  return { sizeBytes: Number(length), isChunked: true, isSigned, sha256Hex: undefined };
}
