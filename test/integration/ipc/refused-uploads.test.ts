import assert from 'node:assert/strict';
import { heartbeatTopic, type HeartbeatReport } from '../../../src/contract/mod.js';
import { CONNECTED, FaultDevice } from '../../lib/fault-device.js';
import { until } from '../../lib/until.js';

const ACCESS = {
  'aws.greengrass.ipc.pubsub': {
    all: { operations: ['*'], resources: ['edgemanager/v1/*'] },
  },
  'aws.greengrass.ipc.mqttproxy': {
    report: { operations: ['aws.greengrass#PublishToIoTCore'], resources: [heartbeatTopic('+')] },
  },
};

describe('an uploader whose configuration is refused on lite, which deploys it as a success', () => {
  it('is told to the fleet by the heartbeat of the agent, also of one that starts later', async () => {
    await using device = await FaultDevice.create({ profile: 'lite', agent: { accessControl: ACCESS } });
    const told: (HeartbeatReport['uploadError'] | null)[] = [];
    device.bench.nucleus.iotCore.subscribe(heartbeatTopic('thing-1'), (_topic, payload) => {
      const update = JSON.parse(Buffer.from(payload).toString()) as { state: { reported: HeartbeatReport } };
      told.push(update.state.reported.uploadError);
    });
    await using uploader = device.startUploader();
    await device.configureUploader({ maxConcurrency: 1000 });
    await uploader.said('Configuration refused');
    await using agent = device.startAgent();
    await agent.said(CONNECTED);
    await until(() => typeof told.at(-1)?.message === 'string', 'the heartbeat tells', 20_000);
    assert.match(told.at(-1)?.message ?? '', /'maxConcurrency' must be .* 1000/);
    await device.configureUploader({ maxConcurrency: 2 });
    await until(() => told.at(-1) === null, 'it has left the shadow', 20_000);
  });
});
