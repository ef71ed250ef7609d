import assert from 'node:assert/strict';
import { indexHeartbeats } from '../../../deploy/report/mod.js';
import {
  applyRollout,
  rolloutFailures,
  rolloutHistory,
  rolloutStatus,
  type RolloutPlan,
} from '../../../deploy/rollout/mod.js';
import { verdictOf } from '../../../deploy/rollout/health.js';
import { heartbeatTopic, summarize, type ModelState } from '../../../src/contract/mod.js';
import { heartbeatPayload, heartbeatReport } from '../../../src/telemetry/mod.js';
import { eagerClock, makeWorld, MODEL, plan, type FakeDevice, type World } from './world.js';

/** A device says what its agent made of the version that the deployment brought. */
async function beat(
  world: World,
  thing: string,
  version: string,
  state: ModelState,
  reason?: string,
): Promise<void> {
  const report = heartbeatReport(
    {
      agentVersion: '1.0.0',
      device: thing,
      fleet: 'f',
      models: [{ name: 'mnist', version, state, ...(reason === undefined ? {} : { reason }) }],
      capture: { delivered: 0, dropped: 0, queuedRecords: 0, queueBytes: 0 },
    },
    0,
    60,
  );
  await world.local.iotCore(thing).publish(heartbeatTopic(thing), heartbeatPayload(report));
}

function withModel(fleet: string, version: string, timeoutSeconds = 60): RolloutPlan {
  const one = plan(fleet, version, { models: [{ name: 'mnist', version }] });
  return { ...one, gate: { ...one.gate, timeoutSeconds } };
}

/** Lets each device that has a version say `state` of it at every look of the rollout. */
function beating(
  world: World,
  devices: ReadonlyMap<string, FakeDevice>,
  state: (version: string) => ModelState,
) {
  const looks = { count: 0 };
  return {
    looks,
    clock: {
      ...eagerClock,
      sleep: async (ms: number) => {
        looks.count += 1;
        for (const [thing, device] of devices) {
          const version = device.version();
          if (version !== undefined) await beat(world, thing, version, state(version));
        }
        await eagerClock.sleep(ms);
      },
    },
  };
}

describe('the gate of heartbeats', () => {
  let world: World;

  before(async () => {
    world = await makeWorld(3, 'calls');
    await world.publish(MODEL, '5.0.0', '6.0.0');
    await indexHeartbeats(world.cloud);
  });

  after(async () => world.close());

  it('goes on when all devices of the stage say that the version serves', async () => {
    const { devices } = await world.fleet('a', 5);
    const { clock } = beating(world, devices, () => 'SERVING');
    const { status } = await applyRollout(world.cloud, withModel('a', '5.0.0'), { clock });
    assert.equal(status.outcome, 'SUCCEEDED');
  });

  it('waits for devices on probation', async () => {
    const { devices } = await world.fleet('b', 5);
    let isOver = false;
    const beats = beating(world, devices, () => (isOver ? 'SERVING' : 'PROBATION'));
    const updated: number[] = [];
    const { status } = await applyRollout(world.cloud, withModel('b', '5.0.0'), {
      clock: beats.clock,
      onStatus: () => {
        if (!isOver) updated.push([...devices.values()].filter((one) => one.version() !== undefined).length);
        isOver ||= beats.looks.count > 20;
      },
    });
    assert.equal(status.outcome, 'SUCCEEDED');
    assert.ok(Math.max(...updated) === 1, 'only the first stage has it while it is on probation');
  });

  it('soaks anew after a break, for whichever process looks', async () => {
    const { devices } = await world.fleet('soaking', 5);
    let state: ModelState = 'SERVING';
    const { clock } = beating(world, devices, () => state);
    const one = withModel('soaking', '5.0.0', 86_400);
    const soaking = { ...one, gate: { ...one.gate, soakSeconds: 3600 } };
    const startMs = clock.wallMs();
    /** Looks from a new process, so long after the start, until the stage says what is awaited. */
    const look = async (seconds: number, awaited: RegExp): Promise<void> => {
      const stop = new AbortController();
      const seen: string[] = [];
      const sleep = async (ms: number): Promise<void> => {
        stop.signal.throwIfAborted();
        await clock.sleep(ms);
      };
      const applied = applyRollout(world.cloud, soaking, {
        clock: { ...clock, wallMs: () => startMs + seconds * 1000, sleep },
        onStatus: ({ stages }) => {
          seen.push(`${stages[0]?.state} ${stages[0]?.detail}`);
          if (awaited.test(seen.at(-1) ?? '') || seen.length > 50) stop.abort();
        },
      });
      await assert.rejects(applied, { name: 'AbortError' });
      assert.match(seen.at(-1) ?? '', awaited);
    };
    await look(10, /^SOAKING healthy, soaks for 3600 s more/);
    state = 'PROBATION';
    await look(2000, /^RUNNING .*on probation/);
    state = 'SERVING';
    await look(3700, /^SOAKING healthy, soaks for 3600 s more/);
    await look(7200, /^SOAKING healthy, soaks for 100 s more/);
  });

  it('stops when an agent went back by itself, although Greengrass says success, and corrects the stage', async () => {
    const { devices } = await world.fleet('c', 5);
    const { clock } = beating(world, devices, (version) => (version === '6.0.0' ? 'ROLLED_BACK' : 'SERVING'));
    await applyRollout(world.cloud, withModel('c', '5.0.0'), { clock });
    const { status } = await applyRollout(world.cloud, withModel('c', '6.0.0'), { clock });
    assert.equal(status.outcome, 'ROLLED_BACK');
    assert.match(status.reason, /1 of 1 finished devices failed/);
    assert.deepEqual(
      status.stages.map(({ state }) => state),
      ['ROLLED_BACK', 'PENDING'],
    );
    assert.deepEqual(new Set([...devices.values()].map((one) => one.version())), new Set(['5.0.0']));
  });

  it('names the devices of a rollout that was taken back, with what nucleus and agent say, also afterwards', async () => {
    const { devices } = await world.fleet('why', 5, (version) => version === '6.0.0');
    const { clock } = beating(world, devices, () => 'SERVING');
    await applyRollout(world.cloud, withModel('why', '5.0.0'), { clock });
    const wanted = withModel('why', '6.0.0');
    const { status } = await applyRollout(world.cloud, wanted, { clock });
    assert.equal(status.outcome, 'ROLLED_BACK');
    const history = await rolloutHistory(world.cloud, 'why');
    const failed = history.find(({ failedDevices }) => failedDevices > 0);
    assert.deepEqual([failed?.target, failed?.purpose], ['why-stage-1', 'stage']);
    const [failure] = failed?.failures ?? [];
    assert.match(failure?.reason ?? '', /6\.0\.0: the startup step ended with 1/);
    assert.ok(
      history.some(({ purpose, reason }) => purpose === 'rollback' && /1 of 1/.test(reason)),
      JSON.stringify(history),
    );

    const [thing = '', other = ''] = [
      failure?.thing,
      [...devices.keys()].find((one) => one !== failure?.thing),
    ];
    const why = 'Cannot admit mnist 6.0.0: its key is not trusted';
    await beat(world, thing, '6.0.0', 'FAILED', why);
    await beat(world, other, '6.0.0', 'ROLLED_BACK', '12 of 20 outputs were not finite');
    const later = await rolloutStatus(world.cloud, wanted, eagerClock);
    assert.equal(later.outcome, 'ROLLED_BACK');
    assert.deepEqual(await rolloutFailures(world.cloud, wanted, later), [
      { ...failure, agentReason: why },
      { thing: other, status: 'ROLLED_BACK', reason: '', agentReason: '12 of 20 outputs were not finite' },
    ]);
  });

  it('takes a version that went back for no success where the plan does not name its model', async () => {
    const { devices } = await world.fleet('e', 5);
    const { clock } = beating(world, devices, (version) => (version === '6.0.0' ? 'ROLLED_BACK' : 'SERVING'));
    await applyRollout(world.cloud, plan('e', '5.0.0'), { clock });
    await clock.sleep(1000);
    const { status } = await applyRollout(world.cloud, plan('e', '6.0.0'), { clock });
    assert.equal(status.outcome, 'ROLLED_BACK');
    assert.match(status.reason, /1 of 1 finished devices failed/);
  });

  it('stops when the devices say nothing of the version in time', async () => {
    await world.fleet('d', 5);
    const { status } = await applyRollout(world.cloud, withModel('d', '5.0.0', 1), { clock: eagerClock });
    assert.equal(status.outcome, 'STOPPED');
    assert.match(status.reason, /0 of 1 needed devices were healthy after 1 s/);
  });

  it('reads a summary for the wanted versions only', () => {
    const wanted = ['a@1.0.0', 'b@2.0.0'];
    for (const [summary, verdict] of [
      ['a@1.0.0/SERVING;b@2.0.0/SERVING+sampling;c@1.0.0/FAILED', 'serving'],
      ['a@1.0.0/SERVING', 'unknown'],
      ['a@1.0.0/SERVING;b@2.0.0/PROBATION', 'onProbation'],
      ['a@1.0.0/SERVING;b@2.0.0/LOADING', 'onProbation'],
      ['a@1.0.0/SERVING+drifted;b@2.0.0/SERVING', 'unhealthy'],
      ['a@1.0.0/QUARANTINED;b@2.0.0/PROBATION', 'unhealthy'],
      ['none', 'unknown'],
    ] as const)
      assert.equal(verdictOf(summary, wanted), verdict, summary);
  });

  it('never takes a version that a summary does not name for one that serves', () => {
    const fifty = Array.from({ length: 50 }, (_, index) => ({
      name: 'a',
      version: `1.0.${100 + index}`,
      state: 'UNLOADED' as const,
    }));
    const inUse = { name: 'a', version: '2.0.0', state: 'SERVING' } as const;
    const cut = summarize([...fifty, inUse]);
    assert.equal(verdictOf(cut, ['a@2.0.0']), 'serving');
    assert.equal(verdictOf(cut, ['a@1.0.149']), 'unnamed');
    assert.equal(verdictOf(cut, ['a@2.0.0', 'z@1.0.0']), 'unnamed');
    assert.equal(verdictOf(summarize([inUse]), ['a@1.0.149']), 'unknown');
  });

  it('takes nothing from a full summary of an agent that does not say what it left out', () => {
    const parts = Array.from({ length: 45 }, (_, index) => `mnist@1.0.${index}/UNLOADED`).sort();
    let full = '';
    for (const part of parts) if (full.length + part.length < 900) full += `${full === '' ? '' : ';'}${part}`;
    assert.ok(full.length > 800);
    assert.equal(verdictOf(full, ['mnist@9.0.0']), 'unnamed');
  });
});
