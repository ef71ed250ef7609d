import assert from 'node:assert/strict';
import { fleetReport, indexHeartbeats } from '../../../deploy/report/mod.js';
import { heartbeatTopic } from '../../../src/contract/mod.js';
import { heartbeatPayload, heartbeatReport } from '../../../src/telemetry/mod.js';
import { makeWorld } from '../rollout/world.js';

describe('fleetReport', () => {
  it('counts devices per version as Edge Manager did, with a fixed number of calls', async () => {
    await using world = await makeWorld();
    await world.fleet('r', 3);
    world.local.registry.createThing('r-offline');
    world.local.registry.join('r', 'r-offline');
    await assert.rejects(fleetReport(world.cloud, 'r'), /fleet indexing is off/);
    await indexHeartbeats(world.cloud);
    for (const [thing, version] of [
      ['r-0', '5.0.0'],
      ['r-1', '6.0.0'],
      ['r-offline', '5.0.0'],
    ] as const) {
      const models = [
        { name: 'mnist', version, state: 'SERVING' as const, sampling: version === '6.0.0', p99Ms: 4 },
      ];
      const capture = { delivered: 0, dropped: 0, queuedRecords: 0, queueBytes: 0 };
      const report = heartbeatReport(
        { agentVersion: '0.1.0', device: thing, fleet: 'r', models, capture },
        0,
        15,
      );
      await world.local.iotCore(thing).publish(heartbeatTopic(thing), heartbeatPayload(report));
    }
    const report = await fleetReport(world.cloud, 'r');
    assert.deepEqual(report.deviceStats, { registeredDeviceCount: 4, connectedDeviceCount: 3 });
    assert.deepEqual(report.agentVersions, [{ version: '0.1.0', agentCount: 3 }]);
    const [five, six] = report.modelStats;
    assert.deepEqual(
      [
        five?.offlineDeviceCount,
        five?.connectedDeviceCount,
        five?.activeDeviceCount,
        five?.samplingDeviceCount,
      ],
      [1, 1, 1, 0],
    );
    assert.deepEqual(
      [six?.offlineDeviceCount, six?.connectedDeviceCount, six?.activeDeviceCount, six?.samplingDeviceCount],
      [0, 1, 1, 1],
    );
    await assert.rejects(fleetReport(world.cloud, 'nobody'), /nobody does not exist/);
  });
});
