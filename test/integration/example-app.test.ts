import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APP, APP_VERSION, buildVoiceApp } from '../../examples/stage/voice-app.js';
import { predictTopic, topics } from '../../src/contract/mod.js';
import { silentLogger } from '../../src/core/mod.js';
import { connectGreengrass } from '../../src/ipc/greengrass/mod.js';
import type { GreengrassPort } from '../../src/ipc/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import { ComponentProcess } from '../lib/component-process.js';
import { ALLOW_ALL } from '../lib/ipc-harness.js';
import { BOTH, NucleusBench } from '../lib/nucleus.js';
import { isWithin } from '../lib/patience.js';
import { until } from '../lib/until.js';

const ENDS_MS = 2000;
const MODEL = { name: 'SileroVad', version: '5.0.0', digest: 'd', state: 'SERVING', labels: ['stable'] };

describe('the example app', function () {
  this.timeout(120_000);
  let folder: string;
  let artifacts: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'app-'));
    await buildVoiceApp(folder);
    artifacts = join(folder, 'greengrass-build', 'artifacts', APP, APP_VERSION);
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  for (const profile of BOTH) {
    for (const isAway of [false, true]) {
      it(`ends within 2 s of SIGTERM on ${profile}, in the middle of its recording${isAway ? ', while the nucleus is away' : ''}`, async () => {
        await using bench = await NucleusBench.start(profile);
        const port = await mutePort(bench);
        await using running = await streaming(bench, port);
        if (isAway) {
          await port.close();
          await bench.close();
        }
        const begunMs = systemClock.monotonicMs();
        assert.equal(await running.stop('SIGTERM'), 0, running.output);
        const tookMs = systemClock.monotonicMs() - begunMs;
        assert.ok(isWithin(tookMs, ENDS_MS), `${tookMs} ms`);
        if (!isAway) await port.close();
      });
    }
  }

  it('ends where a killed nucleus left it over, and the next one does not know it', async () => {
    await using bench = await NucleusBench.start('nucleus');
    const port = await mutePort(bench);
    await using running = await streaming(bench, port);
    await port.close();
    await bench.close();
    await bench.open();
    await until(() => !running.isRunning, 'it has ended', 15_000);
    assert.equal(running.child.exitCode, 1);
    assert.match(running.output, /refused this SVCUID/);
  });

  /** The app, with a window under way. */
  async function streaming(bench: NucleusBench, port: GreengrassPort): Promise<ComponentProcess> {
    let predictions = 0;
    // Never answered: a window is under way whenever the end comes.
    await port.subscribe(predictTopic(MODEL.name), () => void predictions++);
    const app = bench.nucleus.registerExternal(APP, ALLOW_ALL);
    const wav = (await readdir(artifacts)).find((name) => name.endsWith('.wav')) ?? '';
    const script = join(artifacts, 'main.js');
    const running = new ComponentProcess(script, app.environment, folder, [join(artifacts, wav)]);
    await until(() => predictions > 0 || !running.isRunning, 'a window is under way');
    return running;
  }
});

/** An agent that serves a model, and says no more of it. */
async function mutePort(bench: NucleusBench): Promise<GreengrassPort> {
  const { environment } = bench.nucleus.registerExternal('org.edgemanager.AgentRuntime', ALLOW_ALL);
  const port = await connectGreengrass({
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    environment: { ...environment },
  });
  await port.subscribe(topics.list, ({ payload }) => {
    const { id, replyTo } = JSON.parse(Buffer.from(payload).toString()) as { id: string; replyTo: string };
    const reply = { v: 1, id, ok: true, body: { models: [MODEL] } };
    void port.publish(replyTo, Buffer.from(JSON.stringify(reply)));
  });
  return port;
}
