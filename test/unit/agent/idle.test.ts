import assert from 'node:assert/strict';
import { ManualClock } from '../../../src/core/mod.js';
import { MemoryDisk } from '../../../src/disk/mod.js';
import { nextTurn } from '../../../src/system/mod.js';
import { predict } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';

const MODELS = ['A', 'B', 'C', 'D', 'E'];
const MINUTES = 10;
/** The regular look at what may have changed, and a few that are rarer. */
const RINGS_A_MINUTE = 14;

class CountingDisk extends MemoryDisk {
  lists = 0;

  override async list(path: string): Promise<string[]> {
    this.lists += 1;
    return await super.list(path);
  }
}

/** An agent with five models on a clock that the test moves. */
async function idleAgent() {
  const clock = new ManualClock();
  const disk = new CountingDisk();
  const measured: string[] = [];
  const twins = await AgentTwins.create({
    clock,
    disk,
    script: ({ key }) => ({ memoryBytes: () => measured.push(key) }),
  });
  for (const model of MODELS) await twins.register(await twins.package('1.0.0', model), model);
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      await clock.advance(1000);
      await nextTurn();
    }
  };
  await pass(60);
  return { twins, clock, disk, measured, pass };
}

describe('an agent that has nothing to do', () => {
  it('sleeps: few timers ring, and none of them has five hosts measured or the spool listed', async () => {
    const { twins, clock, disk, measured, pass } = await idleAgent();
    await using _ = twins;
    const before = { rung: clock.rung, lists: disk.lists, measured: measured.length };
    await pass(MINUTES * 60);
    const a = (count: number): number => count / MINUTES;
    assert.ok(
      a(clock.rung - before.rung) <= RINGS_A_MINUTE,
      `${a(clock.rung - before.rung)} timers a minute`,
    );
    assert.ok(a(measured.length - before.measured) <= MODELS.length, 'each host is measured once a minute');
    assert.ok(
      a(disk.lists - before.lists) <= 2,
      `${a(disk.lists - before.lists)} looks at the spool a minute`,
    );
  });

  it('measures within seconds what was asked, and only that', async () => {
    const { twins, measured, pass } = await idleAgent();
    await using _ = twins;
    await pass(60);
    measured.length = 0;
    await predict(twins, {}, { model: 'C' });
    await pass(6);
    assert.ok(measured.includes('C@1.0.0'), measured.join());
    assert.ok(measured.length <= MODELS.length + 2, measured.join());
  });
});
