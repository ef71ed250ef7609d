import assert from 'node:assert/strict';
import { AgentBench } from '../../lib/agent-process.js';
import { writeTestPackage } from '../../lib/model-hosts.js';
import { identityPackage } from '../../lib/test-models.js';
import { until } from '../../lib/until.js';
import { activityOf, familyOf, type Activity } from '../../lib/wake-ups.js';

/** Far above what they have, and below what one timer of a second in each would cause. */
const MOST_A_SECOND = 2.5;
/** One of the agent's regular looks is in it. */
const WINDOW_MS = 5200;

describe('the agent that has nothing to do', function () {
  if (process.platform !== 'linux') return;

  /** Main threads only: V8 tidies up on others for half a minute after it was busy. */
  it('sleeps: launcher, control process and a model host are hardly ever woken', async () => {
    await using bench = await AgentBench.create();
    await bench.start();
    const folder = await writeTestPackage(bench.root, identityPackage());
    assert.equal((await bench.register(folder, 'org.edgemanager.model.Identity')).code, 0);
    const family = familyOf(bench.agent?.pid ?? 0);
    assert.ok(family.length >= 3, `${family.length} processes`);
    const pause = async (): Promise<void> => await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
    let last: Activity | undefined;
    const sleeps = async (): Promise<boolean> => {
      const { threads, seconds } = (last = await activityOf(family, pause));
      const wakeUps = threads.reduce((sum, thread) => sum + (thread.isMain ? thread.wakeUps : 0), 0);
      return wakeUps / seconds < MOST_A_SECOND;
    };
    await until(sleeps, 'nothing wakes', 20_000).catch((thrown: unknown) => {
      throw new Error(`${String(thrown)}: ${JSON.stringify(last)}`);
    });
  });
});
