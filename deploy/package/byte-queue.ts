/** Bytes of a stream, taken in pieces of wanted lengths. Holds no more than one piece and one chunk of the stream. */
export class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes; undefined where the stream ends before. */
  async take(length: number): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    let taken = 0;
    while (taken < length) {
      const piece = await this.some(length - taken);
      if (piece === undefined) return undefined;
      pieces.push(piece);
      taken += piece.length;
    }
    return Buffer.concat(pieces);
  }

  /** At least one byte, at most so many; undefined at the end of the stream. */
  async some(max: number): Promise<Buffer | undefined> {
    while (this.#held.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return undefined;
      this.#held = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const piece = this.#held.subarray(0, max);
    this.#held = this.#held.subarray(piece.length);
    return piece;
  }
}
