import type { ChunkSignatures } from './chunk-signatures.js';
import { s3Errors } from './errors.js';

const MAX_LINE_BYTES = 8192;
const MIN_CHUNK_BYTES = 8192;
const TRAILER_SIGNATURE = 'x-amz-trailer-signature';

/**
 * An aws-chunked body: `<hex size>[;chunk-signature=<hex>]\r\n<bytes>\r\n ... 0\r\n name:value\r\n\r\n`. Fed with the
 * raw body; what is inside comes out of `write`, the trailers of `end`.
 */
export class AwsChunkedDecoder {
  readonly #signatures: ChunkSignatures | undefined;
  #buffered = Buffer.alloc(0);
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size';
  #sizeBytes = MIN_CHUNK_BYTES;
  #left = 0;
  #signature = '';
  readonly #trailers: Record<string, string> = {};

  /** @param signatures where each chunk must be signed */
  constructor(signatures: ChunkSignatures | undefined) {
    this.#signatures = signatures;
  }

  write(bytes: Uint8Array): Buffer[] {
    this.#buffered =
      this.#buffered.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#buffered, bytes]);
    const out: Buffer[] = [];
    while (this.#step(out));
    return out;
  }

  /** The trailers, names in lower case. Throws IncompleteBody when the last chunk has not come, or SignatureDoesNotMatch. */
  end(): Readonly<Record<string, string>> {
    // The empty line after the trailers is left out by some clients.
    const ended = this.#state === 'done' || (this.#state === 'trailer' && this.#buffered.length === 0);
    if (!ended) throw s3Errors.incompleteBody();
    const { [TRAILER_SIGNATURE]: signature, ...trailers } = this.#trailers;
    if (this.#signatures !== undefined && Object.keys(trailers).length > 0) {
      const lines = Object.entries(trailers).map(([name, value]) => `${name}:${value}\n`);
      this.#signatures.endTrailers(lines.join(''), signature ?? '');
    }
    return trailers;
  }

  #step(out: Buffer[]): boolean {
    switch (this.#state) {
      case 'size':
        return this.#line((line) => this.#beginChunk(line));
      case 'data':
        return this.#data(out);
      case 'data-end':
        return this.#line((line) => {
          if (line !== '') throw s3Errors.incompleteBody();
          this.#signatures?.endChunk(this.#signature);
          this.#state = 'size';
        });
      case 'trailer':
        return this.#line((line) => this.#trailer(line));
      case 'done':
        return false;
    }
  }

  #beginChunk(line: string): void {
    const [, size = '', signature = ''] =
      /^([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line) ?? [];
    if (size === '') throw s3Errors.incompleteBody();
    const sizeBytes = Number.parseInt(size, 16);
    if (sizeBytes > 0 && this.#sizeBytes < MIN_CHUNK_BYTES) throw s3Errors.invalidChunkSize();
    this.#sizeBytes = sizeBytes;
    this.#left = sizeBytes;
    this.#signature = signature;
    this.#state = sizeBytes === 0 ? 'trailer' : 'data';
    if (sizeBytes === 0) this.#signatures?.endChunk(signature);
  }

  #data(out: Buffer[]): boolean {
    if (this.#buffered.length === 0) return false;
    const part = this.#buffered.subarray(0, this.#left);
    this.#buffered = this.#buffered.subarray(part.length);
    this.#left -= part.length;
    if (this.#left === 0) this.#state = 'data-end';
    this.#signatures?.update(part);
    out.push(part);
    return true;
  }

  #trailer(line: string): void {
    const colon = line.indexOf(':');
    if (line === '') this.#state = 'done';
    else if (colon > 0) this.#trailers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }

  #line(take: (line: string) => void): boolean {
    const at = this.#buffered.indexOf('\r\n');
    if (at < 0) {
      if (this.#buffered.length > MAX_LINE_BYTES) throw s3Errors.incompleteBody();
      return false;
    }
    const line = this.#buffered.subarray(0, at).toString('latin1');
    this.#buffered = this.#buffered.subarray(at + 2);
    take(line);
    return true;
  }
}
