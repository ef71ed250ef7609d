import { join } from 'node:path';
import { AwsArtifacts, AwsComponents } from '../../deploy/mod.js';
import { publish, readBuild } from '../../deploy/publish/mod.js';
import { systemClock } from '../../src/system/mod.js';
import type { LocalCloud } from '../../src/local/cloud/mod.js';
import {
  buildVoiceApp,
  buildCodeComponents,
  packageExample,
  type OperatorKeys,
  type SigningKey,
} from '../stage/mod.js';
import { buildCamera } from './camera.js';

export const ARTIFACT_BUCKET = 'edge-manager-artifacts';
const MODELS = [
  { example: 'silero-vad-5', skipSelfTest: false },
  { example: 'silero-vad-6', skipSelfTest: false },
  { example: 'silero-vad-7-broken', skipSelfTest: true },
];
const PUBLISH_TIMEOUT_MS = 60_000;

/** Builds, packages, signs and publishes what the fleet gets: two components with code, three models, two apps. */
export async function publishAll(
  cloud: LocalCloud,
  credentials: OperatorKeys,
  folder: string,
  key: SigningKey,
  progress: (text: string) => void,
): Promise<void> {
  const { region, endpoint } = cloud;
  const components = new AwsComponents({ region, endpoint, credentials });
  const artifacts = new AwsArtifacts({ region, endpoint: cloud.s3.endpoint, credentials });
  const put = async (path: string, version?: string): Promise<void> => {
    const { name, version: published } = await publish({
      build: await readBuild(join(path, 'greengrass-build')),
      bucket: ARTIFACT_BUCKET,
      components,
      artifacts,
      clock: systemClock,
      timeoutMs: PUBLISH_TIMEOUT_MS,
      ...(version === undefined ? {} : { version }),
    });
    progress(`published ${name} ${published}`);
  };
  try {
    for (const { path, version } of await buildCodeComponents('zip', progress)) await put(path, version);
    await buildCamera(join(folder, 'camera'));
    await put(join(folder, 'camera'));
    await buildVoiceApp(join(folder, 'voice-activity'));
    await put(join(folder, 'voice-activity'));
    for (const { example, skipSelfTest } of MODELS) {
      progress(`packaging ${example}`);
      await put((await packageExample(example, join(folder, 'models'), key, { skipSelfTest })).path);
    }
  } finally {
    components.close();
    artifacts.close();
  }
}
