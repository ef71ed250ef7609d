import type { Steps } from '../../core/mod.js';
import { crc32 } from '../../system/mod.js';

/** Done in well below a millisecond, also on a slow processor. */
const STEP_BYTES = 256 * 1024;

/** CRC-32 of the parts as if they were one, continued from `start`; pauses after each 256 KiB. */
export function* checksum(parts: readonly Uint8Array[], start = 0): Steps<number> {
  let sum = start;
  let sincePause = 0;
  for (const part of parts) {
    for (let from = 0; from < part.byteLength; from += STEP_BYTES) {
      const piece = part.subarray(from, from + STEP_BYTES);
      sum = crc32(piece, sum);
      sincePause += piece.byteLength;
      if (sincePause < STEP_BYTES) continue;
      sincePause = 0;
      yield;
    }
  }
  return sum;
}
