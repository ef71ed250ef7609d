import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { parse } from 'yaml';
import {
  applyRollback,
  applyRollout,
  cancelRollout,
  checkPlan,
  continueRollout,
  currentDeployment,
  proposeRollback,
  proposeRollout,
  rolloutHistory,
  rolloutStatus,
  stagedDevices,
} from '../../../deploy/rollout/mod.js';
import { eagerClock, FakeDevice, makeWorld, MODEL, plan, type World } from './world.js';

const OTHERS = {
  'com.example.camera': { componentVersion: '1.0.0', configurationUpdate: { merge: { fps: 5 } } },
};
const options = { clock: eagerClock };
const limits = {
  maximumPerMinute: 1000,
  abort: { thresholdPercentage: 100, minNumberOfExecutedThings: 5 },
  timeoutMinutes: 5,
};

describe('rollout', () => {
  let world: World;

  before(async () => {
    world = await makeWorld();
    await world.publish(MODEL, '5.0.0', '6.0.0', '7.0.0');
    await world.publish('com.example.camera', '1.0.0', '2.0.0');
  });

  after(async () => world.close());

  it('brings a version to one device, then to all, and keeps what others deployed', async () => {
    const { arn, devices } = await world.fleet('a', 5);
    await world.deployAsOthers(arn, OTHERS);
    await applyRollout(world.cloud, plan('a', '5.0.0'), options);
    const first: (string | undefined)[] = [];
    const { status } = await applyRollout(world.cloud, plan('a', '6.0.0'), {
      ...options,
      onStatus: ({ stages }) => {
        if (stages[1]?.state === 'PENDING')
          first.push([...devices.values()].filter((one) => one.version() === '6.0.0').length.toString());
      },
    });
    assert.equal(status.outcome, 'SUCCEEDED');
    assert.ok(
      first.every((count) => count === '0' || count === '1'),
      first.join(),
    );
    assert.deepEqual(new Set([...devices.values()].map((one) => one.version())), new Set(['6.0.0']));
    const now = await currentDeployment(world.cloud, 'a');
    assert.deepEqual(now?.components['com.example.camera'], OTHERS['com.example.camera']);
    assert.deepEqual(await stagedDevices(world.cloud, 'a'), []);
  });

  it('says the same of a rollout that has ended, and creates nothing', async () => {
    const before = (await rolloutHistory(world.cloud, 'a')).length;
    const { status } = await applyRollout(world.cloud, plan('a', '6.0.0'), options);
    assert.equal(status.outcome, 'SUCCEEDED');
    assert.equal((await rolloutHistory(world.cloud, 'a')).length, before);
  });

  it('stops a broken version in its first stage, rolls back, and leaves all other devices alone', async () => {
    const { devices } = await world.fleet('b', 5, (version) => version === '7.0.0');
    await applyRollout(world.cloud, plan('b', '5.0.0'), options);
    const { status } = await applyRollout(world.cloud, plan('b', '7.0.0'), options);
    assert.equal(status.outcome, 'ROLLED_BACK');
    assert.match(status.reason, /1 of 1 (finished )?devices failed/);
    assert.deepEqual(new Set([...devices.values()].map((one) => one.version())), new Set(['5.0.0']));
    assert.equal((await currentDeployment(world.cloud, 'b'))?.components[MODEL]?.componentVersion, '5.0.0');
    assert.deepEqual(await stagedDevices(world.cloud, 'b'), []);
  });

  it('sends the earlier set where devices do not roll back by themselves', async () => {
    const { arn } = await world.fleet('lite', 0);
    const device = new FakeDevice();
    world.local.registry.createThing('lite-x');
    world.local.registry.join('lite', 'lite-x');
    world.local.attach('lite-x', {
      deploy: async (document) => {
        const result = await device.deploy(document);
        if (device.version() !== '7.0.0') return result;
        return {
          ...result,
          status: 'FAILED',
          detailedStatus: 'FAILED_ROLLBACK_NOT_REQUESTED',
          reason: 'broken',
        };
      },
    });
    await applyRollout(world.cloud, plan('lite', '5.0.0'), options);
    const { status } = await applyRollout(world.cloud, plan('lite', '7.0.0'), options);
    assert.equal(status.outcome, 'ROLLED_BACK');
    assert.equal(device.version(), '5.0.0');
    assert.ok(arn.length > 0);
  });

  it('never rolls back to nothing: without an earlier set it stops', async () => {
    await world.fleet('c', 3, () => true);
    const { status } = await applyRollout(world.cloud, plan('c', '7.0.0'), options);
    assert.equal(status.outcome, 'STOPPED');
    assert.match(status.reason, /no earlier set/);
  });

  it('waits for a person where the stage says so', async () => {
    await world.fleet('d', 5);
    const manual = plan('d', '5.0.0', {
      stages: [
        { name: 'one', select: { percentage: 20 }, failureHandling: 'ROLLBACK_ON_FAILURE', next: 'manual' },
        { name: 'all', select: { percentage: 100 }, failureHandling: 'ROLLBACK_ON_FAILURE' },
      ],
    });
    const waiting = await applyRollout(world.cloud, manual, { ...options, stopWhenWaiting: true });
    assert.equal(waiting.status.outcome, 'WAITING');
    await continueRollout(world.cloud, manual, eagerClock);
    const { status } = await applyRollout(world.cloud, manual, options);
    assert.equal(status.outcome, 'SUCCEEDED');
    await assert.rejects(continueRollout(world.cloud, manual, eagerClock), /no stage waits/);
  });

  it('soaks across processes: continue and a second apply know since when a stage is healthy', async () => {
    const { devices } = await world.fleet('soaked', 5);
    const soaking = plan('soaked', '5.0.0', {
      gate: {
        minSucceededShare: 1,
        maxFailedShare: 0,
        minFinished: 1,
        soakSeconds: 3600,
        timeoutSeconds: 86_400,
      },
      stages: [
        { name: 'one', select: { percentage: 20 }, failureHandling: 'ROLLBACK_ON_FAILURE', next: 'manual' },
        { name: 'all', select: { percentage: 100 }, failureHandling: 'ROLLBACK_ON_FAILURE', soakSeconds: 0 },
      ],
    });
    const startMs = eagerClock.wallMs();
    const at = (seconds: number): typeof eagerClock => ({
      ...eagerClock,
      wallMs: () => startMs + seconds * 1000,
    });
    // The process that saw the stage healthy first is gone before it has soaked.
    const stop = new AbortController();
    const first = applyRollout(world.cloud, soaking, {
      clock: { ...at(10), sleep: (_ms, signal) => (signal?.throwIfAborted(), setImmediate()) },
      signal: stop.signal,
      onStatus: ({ stages }) => {
        if (stages[0]?.state === 'SOAKING') stop.abort();
      },
    });
    await assert.rejects(first, { name: 'AbortError' });

    const early = await rolloutStatus(world.cloud, soaking, at(600));
    assert.equal(early.stages[0]?.detail, 'healthy, soaks for 3010 s more of 3600 s');
    await assert.rejects(
      continueRollout(world.cloud, soaking, at(600)),
      /stage one is SOAKING: healthy, soaks for 3010 s more of 3600 s/,
    );
    await continueRollout(world.cloud, soaking, at(3611));
    const { status } = await applyRollout(world.cloud, soaking, { clock: at(3612) });
    assert.equal(status.outcome, 'SUCCEEDED');
    assert.ok([...devices.values()].every((one) => one.version() === '5.0.0'));
  });

  it('cancels: nobody else gets it, nobody goes back', async () => {
    const { devices } = await world.fleet('e', 5);
    const manual = plan('e', '5.0.0');
    const stages = manual.stages.map((stage, index) =>
      index === 0 ? { ...stage, next: 'manual' as const } : stage,
    );
    const paused = { ...manual, stages };
    await applyRollout(world.cloud, paused, { ...options, stopWhenWaiting: true });
    await cancelRollout(world.cloud, paused, eagerClock);
    const { status } = await applyRollout(world.cloud, paused, options);
    assert.equal(status.outcome, 'CANCELED');
    assert.equal([...devices.values()].filter((one) => one.version() === '5.0.0').length, 1);
  });

  it('rolls a finished rollout back to the set before, keeping what others did since', async () => {
    const { arn, devices } = await world.fleet('f', 3);
    await applyRollout(world.cloud, plan('f', '5.0.0'), options);
    await applyRollout(world.cloud, plan('f', '6.0.0'), options);
    await world.deployAsOthers(arn, OTHERS);
    const back = await proposeRollback(world.cloud, 'f');
    assert.deepEqual(
      back.changes.map((change) => `${change.kind} ${change.name}`),
      [`change ${MODEL}`],
    );
    const made = await applyRollback(world.cloud, 'f', back, limits);
    assert.equal(made.length, 1);
    assert.deepEqual(await applyRollback(world.cloud, 'f', back, limits), made);
    const now = await currentDeployment(world.cloud, 'f');
    assert.equal(now?.components[MODEL]?.componentVersion, '5.0.0');
    assert.equal(now?.components['com.example.camera']?.componentVersion, '1.0.0');
    assert.equal(devices.size, 3);
  });

  it('brings devices of a stage where a rollout stood still back to the fleet’s set, and leaves the fleet alone', async () => {
    const { devices } = await world.fleet('i', 5, (version) => version === '7.0.0');
    await applyRollout(world.cloud, plan('i', '5.0.0'), options);
    const halted = plan('i', '6.0.0', {
      stages: [
        { name: 'one', select: { percentage: 20 }, failureHandling: 'DO_NOTHING', next: 'manual' },
        { name: 'all', select: { percentage: 100 }, failureHandling: 'DO_NOTHING' },
      ],
    });
    await applyRollout(world.cloud, halted, { ...options, stopWhenWaiting: true });
    await cancelRollout(world.cloud, halted, eagerClock);
    const before = await currentDeployment(world.cloud, 'i');
    const back = await proposeRollback(world.cloud, 'i');
    assert.deepEqual(
      back.staged.map(({ group }) => group),
      ['i-stage-1'],
    );
    const made = await applyRollback(world.cloud, 'i', back, limits);
    assert.deepEqual(await applyRollback(world.cloud, 'i', back, limits), made);
    const { status } = await applyRollout(world.cloud, halted, options);
    assert.equal(status.outcome, 'ROLLED_BACK');
    assert.deepEqual(new Set([...devices.values()].map((one) => one.version())), new Set(['5.0.0']));
    assert.equal((await currentDeployment(world.cloud, 'i'))?.id, before?.id);
  });

  it('takes the plan that the documentation shows', async () => {
    const text = await readFile(new URL('../../../../docs/rollouts.md', import.meta.url), 'utf8');
    const [, yaml = ''] = /```yaml\n([^`]+)```/.exec(text) ?? [];
    assert.deepEqual(
      checkPlan(parse(yaml)).stages.map(({ name }) => name),
      ['canary', 'hall-3', 'all'],
    );
  });

  it('refuses what must not start, with the key or the next step', async () => {
    await world.fleet('g', 1);
    await world.fleet('empty', 0);
    const cases: [unknown, RegExp][] = [
      [plan('nobody', '5.0.0'), /thing group nobody does not exist/],
      [plan('empty', '5.0.0'), /has no devices/],
      [plan('g', '9.9.9'), /org\.edgemanager\.model\.mnist 9\.9\.9 does not exist/],
      [plan('g', '^5.0.0'), /components\.org\.edgemanager\.model\.mnist\.version/],
      [{ ...plan('g', '5.0.0'), abort: undefined }, /'abort' is missing/],
      [{ ...plan('g', '5.0.0'), timeoutMinutes: undefined }, /'timeoutMinutes' is missing/],
      [{ ...plan('g', '5.0.0'), ratePerMinute: undefined }, /'ratePerMinute' is missing/],
      [{ ...plan('g', '5.0.0'), rate: 1 }, /'rate' is not a known key/],
      [
        {
          ...plan('g', '5.0.0'),
          stages: [{ name: 'x', select: { percentage: 50 }, failureHandling: 'DO_NOTHING' }],
        },
        /last stage must/,
      ],
    ];
    for (const [value, pattern] of cases) {
      await assert.rejects(proposeRollout(world.cloud, JSON.parse(JSON.stringify(value))), pattern);
    }
  });

  it('refuses to change a component of others unless the plan owns it', async () => {
    const { arn } = await world.fleet('h', 1);
    await world.deployAsOthers(arn, OTHERS);
    const theirs = plan('h', '5.0.0', { components: { 'com.example.camera': { version: '2.0.0' } } });
    await assert.rejects(
      proposeRollout(world.cloud, theirs),
      /would change components of others: com\.example\.camera/,
    );
    const proposal = await proposeRollout(world.cloud, { ...theirs, owns: ['com.example.camera'] });
    assert.deepEqual(
      proposal.changes.map((change) => change.kind),
      ['change'],
    );
  });

  it('names the missing permission, and says that throttled calls can go on', async () => {
    world.local.setHook(({ operation }) => (operation === 'ListDeployments' ? 'deny' : undefined));
    await assert.rejects(rolloutStatus(world.cloud, plan('a', '6.0.0'), eagerClock), (error: Error) => {
      assert.match(error.message, /for want of greengrass:ListDeployments/);
      return 'code' in error && error.code === 'PERMISSION_DENIED';
    });
    world.local.setHook(undefined);
  });
});
