/** Silero VAD at 16 kHz looks at 512 new samples (32 ms) behind the last 64 of the window before. */
const SAMPLE_RATE_HZ = 16_000;
const WINDOW_SAMPLES = 512;
const CONTEXT_SAMPLES = 64;
export const WINDOW_MS = (WINDOW_SAMPLES / SAMPLE_RATE_HZ) * 1000;
export const STATE_SHAPE = [2, 1, 128] as const;
export const STATE_ELEMENTS = 256;

/** The samples of a 16 kHz mono 16-bit WAV file, scaled to [-1, 1). */
export function readWav(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (tag(0) !== 'RIFF' || tag(8) !== 'WAVE')
    throw new Error('Cannot read the recording as it is not a WAV file');
  for (let at = 12; at + 8 <= bytes.byteLength;) {
    const size = view.getUint32(at + 4, true);
    if (tag(at) === 'data') {
      const samples = new Float32Array(Math.floor(Math.min(size, bytes.byteLength - at - 8) / 2));
      for (let index = 0; index < samples.length; index++) {
        samples[index] = view.getInt16(at + 8 + index * 2, true) / 32768;
      }
      return samples;
    }
    at += 8 + size + (size % 2);
  }
  throw new Error('Cannot read the recording as it has no data chunk');
}

export function windowCount(samples: Float32Array): number {
  return Math.floor(samples.length / WINDOW_SAMPLES);
}

/** Window `index` with its context in front (zeros before the first). */
export function windowAt(samples: Float32Array, index: number): Float32Array {
  const window = new Float32Array(CONTEXT_SAMPLES + WINDOW_SAMPLES);
  const begin = index * WINDOW_SAMPLES;
  if (index > 0) window.set(samples.subarray(begin - CONTEXT_SAMPLES, begin));
  window.set(samples.subarray(begin, begin + WINDOW_SAMPLES), CONTEXT_SAMPLES);
  return window;
}
