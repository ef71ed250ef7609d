import { join } from 'node:path';
import { connectGreengrass } from '../../src/ipc/greengrass/mod.js';
import { silentLogger } from '../../src/core/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { APP, buildVoiceApp, type Stage, waitFor } from '../stage/mod.js';
import { FINISH_TOPIC, type WindowResult, windowCount } from '../voice-activity/mod.js';
import { readResults } from './results-file.js';

export async function addVoiceApp(stage: Stage): Promise<void> {
  const path = join(stage.folder, 'voice-activity');
  await buildVoiceApp(path);
  await stage.store.add({ path });
}

/** Waits until `count` more windows have been played than `before`. */
export async function playedWindows(stage: Stage, count: number): Promise<WindowResult[]> {
  return await waitFor(`${count} windows`, count * 32 * 2 + 120_000, async () => {
    const results = await readResults(stage.nucleus);
    return results.length >= count ? results : undefined;
  });
}

/** Lets the app play its recording to the end, and gives all it wrote. */
export async function finishVoice(stage: Stage, samples: Float32Array): Promise<WindowResult[]> {
  const { environment } = stage.nucleus.registerExternal('org.edgemanager.example.Conductor', {
    accessControl: {
      'aws.greengrass.ipc.pubsub': {
        finish: { operations: ['aws.greengrass#PublishToTopic'], resources: [FINISH_TOPIC] },
      },
    },
  });
  const transport = await connectGreengrass({
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    environment,
  });
  const windows = windowCount(samples);
  const results = await waitFor('the app to finish', windows * 32 + 60_000, async () => {
    const state = stage.nucleus.components().find((component) => component.name === APP)?.state;
    if (state !== 'FINISHED') {
      // Heard by nobody while the app's connection is made anew: said until it has an effect.
      await transport.publish(FINISH_TOPIC, Buffer.from('{}'));
      return undefined;
    }
    const played = await readResults(stage.nucleus);
    return played.length % windows === 0 ? played : undefined;
  });
  await transport.close();
  return results;
}
