import { messageOf } from '../../../core/mod.js';
import { createOnnxEngine, warmUp, type Engine } from '../../../engine/mod.js';
import { FrameReader } from '../../../framing/mod.js';
import { sharedNowUs, systemClock, systemRandom } from '../../../system/mod.js';
import { confinementHere, SPARE_VARIABLE } from '../confinement/mod.js';
import { MOST_FRAME_BYTES } from '../protocol/mod.js';
import { openChannel } from './channel.js';
import { ModelHost } from './host.js';

/** The control process and this host do not fit together. */
const EXIT_UNFIT = 2;

/** Runs a model host in this process until the control process closes the channel. */
export function runModelHost(): void {
  // The control process decides when a host ends: a nucleus that stops the component signals the whole group,
  // and requests that are being drained still need their host.
  process.on('SIGTERM', () => undefined);
  process.on('SIGINT', () => undefined);
  const reader = new FrameReader(MOST_FRAME_BYTES);
  const channel = openChannel({
    heard: (bytes) => {
      try {
        for (const frame of reader.push(bytes)) host.accept(frame);
      } catch (error) {
        console.error(messageOf(error));
        process.exit(EXIT_UNFIT);
      }
    },
    ended: () => process.exit(0),
  });
  const host = new ModelHost({
    engine: process.env[SPARE_VARIABLE] === undefined ? createOnnxEngine : warmEngine,
    clock: systemClock,
    sharedNowUs,
    random: systemRandom,
    write: channel.write,
    tell: (line) => console.error(line),
    end: (exitCode) => channel.flush(() => process.exit(exitCode)),
    confinement: confinementHere(process.env),
    language: `node ${process.versions.node}`,
  });
  host.begin();
}

/** It has the time: nothing waits for it yet. */
async function warmEngine(): Promise<Engine> {
  const engine = await createOnnxEngine();
  await warmUp(engine);
  return engine;
}
