import { s3Errors } from './errors.js';

const MAX_LINE_BYTES = 8192;

/**
 * The aws-chunked body of unsigned streaming uploads with trailers: `<hex size>\r\n<bytes>\r\n ... 0\r\n
 * name:value\r\n\r\n`. Fed with the raw body; what is inside comes out of `write`, the trailers of `end`.
 */
export class AwsChunkedDecoder {
  #buffered = Buffer.alloc(0);
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size';
  #left = 0;
  readonly #trailers: Record<string, string> = {};

  write(bytes: Uint8Array): Buffer[] {
    this.#buffered =
      this.#buffered.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#buffered, bytes]);
    const out: Buffer[] = [];
    while (this.#step(out));
    return out;
  }

  /** The trailers, names in lower case. Throws S3Error IncompleteBody when the last chunk has not come. */
  end(): Readonly<Record<string, string>> {
    // The empty line after the trailers is left out by some clients.
    const ended = this.#state === 'done' || (this.#state === 'trailer' && this.#buffered.length === 0);
    if (!ended) throw s3Errors.incompleteBody();
    return this.#trailers;
  }

  #step(out: Buffer[]): boolean {
    switch (this.#state) {
      case 'size':
        return this.#line((line) => {
          const size = /^[0-9a-fA-F]{1,8}$/.exec(line.split(';', 1)[0] ?? '');
          if (size === null) throw s3Errors.incompleteBody();
          this.#left = Number.parseInt(size[0], 16);
          this.#state = this.#left === 0 ? 'trailer' : 'data';
        });
      case 'data': {
        if (this.#buffered.length === 0) return false;
        const part = this.#buffered.subarray(0, this.#left);
        this.#buffered = this.#buffered.subarray(part.length);
        this.#left -= part.length;
        if (this.#left === 0) this.#state = 'data-end';
        out.push(part);
        return true;
      }
      case 'data-end':
        return this.#line((line) => {
          if (line !== '') throw s3Errors.incompleteBody();
          this.#state = 'size';
        });
      case 'trailer':
        return this.#line((line) => {
          const colon = line.indexOf(':');
          if (line === '') this.#state = 'done';
          else if (colon > 0)
            this.#trailers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
        });
      case 'done':
        return false;
    }
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
