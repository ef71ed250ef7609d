import { EdgeError } from '../../../core/mod.js';

const TWO_32 = 2 ** 32;
/** A u64 of ones only: no limit. */
const ONES = 0xffff_ffff;
const MOST_STRING_BYTES = 0xffff;

/** Puts little-endian fields behind each other, without gaps. */
export class FieldWriter {
  #bytes = Buffer.allocUnsafe(512);
  #at = 0;

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  u8(value: number): this {
    this.#grow(1);
    this.#at = this.#bytes.writeUInt8(value, this.#at);
    return this;
  }

  u16(value: number): this {
    this.#grow(2);
    this.#at = this.#bytes.writeUInt16LE(value, this.#at);
    return this;
  }

  u32(value: number): this {
    this.#grow(4);
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
    return this;
  }

  /** @param value a whole number up to 2^53, or Infinity for no limit */
  u64(value: number): this {
    const [low, high] = value === Infinity ? [ONES, ONES] : [value % TWO_32, Math.floor(value / TWO_32)];
    return this.u32(low).u32(high);
  }

  f64(value: number): this {
    this.#grow(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
    return this;
  }

  string(text: string): this {
    const byteSize = Buffer.byteLength(text);
    if (byteSize > MOST_STRING_BYTES) {
      throw new EdgeError(
        'FIELD_INVALID',
        `Cannot write the text as it must have at most ${MOST_STRING_BYTES} bytes: current size is ${byteSize}`,
      );
    }
    this.u16(byteSize).#grow(byteSize);
    this.#at += this.#bytes.write(text, this.#at);
    return this;
  }

  #grow(by: number): void {
    if (this.#at + by <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#at + by));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** Reads what {@link FieldWriter} wrote. Each throws MESSAGE_UNREADABLE where the bytes end before the field does. */
export class FieldReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  u64(): number {
    const [low, high] = [this.u32(), this.u32()];
    if (low === ONES && high === ONES) return Infinity;
    const value = high * TWO_32 + low;
    if (!Number.isSafeInteger(value)) throw unreadable('a number of it must be at most 2^53', value);
    return value;
  }

  f64(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  string(): string {
    const byteSize = this.u16();
    const begin = this.#take(byteSize);
    return this.#bytes.toString('utf8', begin, begin + byteSize);
  }

  /** @throws EdgeError MESSAGE_UNREADABLE where anything is left */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left !== 0) throw unreadable('its metadata must end with its last field', `${left} bytes more`);
  }

  #take(count: number): number {
    const begin = this.#at;
    this.#at += count;
    if (this.#at > this.#bytes.length) {
      throw unreadable(`its metadata must hold ${this.#at} bytes`, this.#bytes.length);
    }
    return begin;
  }
}

export function unreadable(wanted: string, actual: number | string): EdgeError {
  return new EdgeError(
    'MESSAGE_UNREADABLE',
    `Cannot read the frame as ${wanted}: current value is ${actual}`,
  );
}
