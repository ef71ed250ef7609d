import assert from 'node:assert/strict';
import { deviceState, devicesInNeed, fleetReport, indexHeartbeats } from '../../../deploy/report/mod.js';
import { heartbeatTopic, type HeartbeatModel } from '../../../src/contract/mod.js';
import { heartbeatPayload, heartbeatReport } from '../../../src/telemetry/mod.js';
import { makeWorld, type World } from '../rollout/world.js';

const NOW_MS = Date.UTC(2026, 10, 23);

async function beat(
  world: World,
  thing: string,
  version: string,
  model: Partial<HeartbeatModel> = {},
): Promise<void> {
  const models = [{ name: 'mnist', version, state: 'SERVING' as const, p99Ms: 4, ...model }];
  const capture = { delivered: 10, dropped: 0, queuedRecords: 2, queueBytes: 100 };
  const document = { agentVersion: '0.1.0', device: thing, fleet: 'r', models, capture };
  const payload = heartbeatPayload(heartbeatReport(document, 0, 15));
  await world.local.iotCore(thing).publish(heartbeatTopic(thing), payload);
}

/** Three connected devices and one that is away. */
async function fleetOfFour(world: World): Promise<void> {
  await world.fleet('r', 3);
  world.local.registry.createThing('r-offline');
  world.local.registry.join('r', 'r-offline');
}

describe('fleetReport', () => {
  it('counts devices per version as Edge Manager did, with a fixed number of calls', async () => {
    await using world = await makeWorld();
    await fleetOfFour(world);
    await assert.rejects(fleetReport(world.cloud, 'r', NOW_MS), /fleet indexing is off/);
    await indexHeartbeats(world.cloud);
    await beat(world, 'r-0', '5.0.0');
    await beat(world, 'r-1', '6.0.0', { sampling: true });
    await beat(world, 'r-offline', '5.0.0');
    const report = await fleetReport(world.cloud, 'r', NOW_MS);
    assert.equal(report.reportGeneratedMs, NOW_MS);
    assert.match(report.deviceFleetArn, /thinggroup\/r$/);
    assert.deepEqual(report.deviceStats, { registeredDeviceCount: 4, connectedDeviceCount: 3 });
    assert.deepEqual(report.agentVersions, [{ version: '0.1.0', agentCount: 3 }]);
    const counts = report.modelStats.map((one) => [
      one.modelVersion,
      one.offlineDeviceCount,
      one.connectedDeviceCount,
      one.activeDeviceCount,
      one.samplingDeviceCount,
    ]);
    assert.deepEqual(counts, [
      ['5.0.0', 1, 1, 1, 0],
      ['6.0.0', 0, 1, 1, 1],
    ]);
    assert.deepEqual(report.capture, { deliveredRecords: 30, queuedRecords: 6 });
    await assert.rejects(fleetReport(world.cloud, 'nobody', NOW_MS), /nobody does not exist/);
  });

  it('puts each device into one state, and names those that need a person', async () => {
    await using world = await makeWorld();
    await fleetOfFour(world);
    await indexHeartbeats(world.cloud);
    await beat(world, 'r-0', '6.0.0', { state: 'QUARANTINED', drifted: true });
    await beat(world, 'r-1', '6.0.0', { state: 'PROBATION', unadmitted: true, revoked: true });
    await beat(world, 'r-offline', '5.0.0', { drifted: true });
    const { deviceStates } = await fleetReport(world.cloud, 'r', NOW_MS);
    assert.deepEqual(deviceStates, {
      healthy: 0,
      probation: 1,
      drifted: 0,
      failing: 1,
      silent: 1,
      offline: 1,
    });
    assert.deepEqual(await devicesInNeed(world.cloud, 'r'), [
      { device: 'r-0', connected: true, state: 'failing', models: ['mnist 6.0.0 QUARANTINED, drifted'] },
      { device: 'r-offline', connected: false, state: 'drifted', models: ['mnist 5.0.0 SERVING, drifted'] },
      { device: 'r-1', connected: true, state: 'doubtful', models: ['mnist 6.0.0 PROBATION, revoked'] },
    ]);
  });

  it('names devices whose accelerator computes nothing of a model, after those in worse need', async () => {
    await using world = await makeWorld();
    await world.fleet('r', 2);
    await indexHeartbeats(world.cloud);
    await beat(world, 'r-0', '5.0.0', { provider: 'CPUExecutionProvider', fallback: true });
    await beat(world, 'r-1', '5.0.0', { unadmitted: true, fallback: true });
    const { deviceStates } = await fleetReport(world.cloud, 'r', NOW_MS);
    assert.equal(deviceStates.healthy, 2);
    assert.deepEqual(await devicesInNeed(world.cloud, 'r'), [
      {
        device: 'r-1',
        connected: true,
        state: 'doubtful',
        models: ['mnist 5.0.0 SERVING, unadmitted, fallback'],
      },
      { device: 'r-0', connected: true, state: 'fallback', models: ['mnist 5.0.0 SERVING, fallback'] },
    ]);
  });

  it('does without the sums of captures where the account has no field left', async () => {
    await using world = await makeWorld();
    await world.fleet('r', 1);
    const theirs = ['attributes.site', 'attributes.line'].map((name) => ({ name, type: 'String' as const }));
    await world.cloud.indexFields(theirs, 'of-others');
    await indexHeartbeats(world.cloud);
    assert.equal((await world.cloud.indexedFields())?.length, 5);
    await beat(world, 'r-0', '5.0.0');
    assert.equal((await fleetReport(world.cloud, 'r', NOW_MS)).capture, undefined);
  });
});

describe('deviceState', () => {
  for (const [summary, state] of [
    ['none', 'healthy'],
    ['mnist@6.0.0/SERVING', 'healthy'],
    ['mnist@6.0.0/UNLOADED', 'healthy'],
    ['mnist@6.0.0/SERVING;mnist@7.0.0/FAILED', 'healthy'],
    ['mnist@6.0.0/SERVING+drifted;mnist@7.0.0/FAILED', 'drifted'],
    ['mnist@6.0.0/PROBATION;mnist@5.0.0/SERVING', 'probation'],
    ['mnist@6.0.0/SERVING;ocr@1.0.0/QUARANTINED', 'failing'],
    ['mnist@7.0.0/FAILED', 'failing'],
  ] as const) {
    it(`is ${state} with ${summary}`, () => assert.equal(deviceState(summary), state));
  }
});
