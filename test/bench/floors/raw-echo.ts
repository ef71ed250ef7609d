import type { Readable, Writable } from 'node:stream';
import type { Pace } from '../../../examples/floors/mod.js';

/** Sizes of what goes there and back, in bytes; at least {@link RAW_HEADER_BYTES} there. */
export interface RawSizes {
  readonly askBytes: number;
  readonly answerBytes: number;
  /** How long the other end computes before it answers, in milliseconds. Default: it does not. */
  readonly workMs?: number;
}

export type RawQuestion = RawSizes & Pace;

/** What it takes to know where a question ends: its bytes, the answer's, the work in microseconds. */
const RAW_HEADER_BYTES = 12;

/** Bytes there and back with nothing else: no frames, no ids, no checks. */
export class RawCaller {
  readonly #to: Writable;
  #missing = 0;
  #arrived: (() => void) | undefined;

  constructor(from: Readable, to: Writable) {
    this.#to = to;
    from.on('data', (chunk: Buffer) => {
      this.#missing -= chunk.length;
      if (this.#missing <= 0) this.#arrived?.();
    });
  }

  async call({ askBytes, answerBytes, workMs = 0 }: RawSizes): Promise<void> {
    const question = Buffer.alloc(Math.max(RAW_HEADER_BYTES, askBytes), 0x61);
    question.writeUInt32LE(question.length, 0);
    question.writeUInt32LE(answerBytes, 4);
    question.writeUInt32LE(Math.round(workMs * 1000), 8);
    this.#missing = answerBytes;
    const arrived = new Promise<void>((resolve) => (this.#arrived = resolve));
    this.#to.write(question);
    await arrived;
  }
}

/** Answers such questions on a stream, one after the other. */
export function answerRaw(from: Readable, to: Writable): void {
  let held: Buffer = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    if (held.length < RAW_HEADER_BYTES || held.length < held.readUInt32LE(0)) return;
    const untilMs = performance.now() + held.readUInt32LE(8) / 1000;
    const answer = Buffer.alloc(held.readUInt32LE(4), 0x62);
    held = Buffer.alloc(0);
    while (performance.now() < untilMs);
    to.write(answer);
  });
}
