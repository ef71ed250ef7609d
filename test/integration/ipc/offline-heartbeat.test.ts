import assert from 'node:assert/strict';
import { ManualClock, SeededRandom, silentLogger, type JsonObject } from '../../../src/core/mod.js';
import { heartbeatTopic } from '../../../src/contract/mod.js';
import { connectGreengrass } from '../../../src/ipc/greengrass/mod.js';
import { createIotBroker } from '../../../src/local/nucleus/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { startHeartbeat, type HeartbeatPublisher } from '../../../src/telemetry/mod.js';
import { BOTH, NucleusBench } from '../../lib/nucleus.js';
import { until } from '../../lib/until.js';

const AGENT = 'org.edgemanager.AgentRuntime';
const THING = 'TestThing';
const MINUTE_MS = 60_000;
/** Its longest pause. */
const STEP_MS = 10 * MINUTE_MS;
const WEEK_MS = 7 * 24 * 60 * MINUTE_MS;
const ACCESS: JsonObject = {
  'aws.greengrass.ipc.mqttproxy': {
    report: { operations: ['aws.greengrass#PublishToIoTCore'], resources: [heartbeatTopic('+')] },
  },
};

describe('heartbeats of a device that is offline', () => {
  for (const profile of BOTH) {
    it(`are not kept by ${profile}: after a week one is sent, the newest`, async () => {
      const iotCore = createIotBroker();
      await using bench = await NucleusBench.start(profile, { iotCore });
      const { environment } = bench.nucleus.registerExternal(AGENT, { accessControl: ACCESS });
      await using port = await connectGreengrass({
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        environment: { ...environment },
        component: AGENT,
      });
      const clock = new ManualClock();
      let [underWay, refused] = [0, 0];
      const greengrass: HeartbeatPublisher = {
        publishToIotCore: async (...message) => {
          underWay++;
          try {
            await port.publishToIotCore(...message);
          } catch (thrown) {
            refused++;
            throw thrown;
          } finally {
            underWay--;
          }
        },
      };
      const heartbeat = startHeartbeat({
        greengrass,
        thingName: THING,
        collect: () => ({
          agentVersion: '1.0.0',
          device: 'oven-1',
          fleet: 'ovens',
          models: [],
          capture: { delivered: 0, dropped: 0, queuedRecords: 0, queueBytes: 0 },
        }),
        intervalMinutes: 15,
        clock,
        random: new SeededRandom(7),
        logger: silentLogger,
      });
      const pass = async (ms: number): Promise<void> => {
        for (const endMs = clock.monotonicMs() + ms; clock.monotonicMs() < endMs;) {
          await clock.advance(Math.min(STEP_MS, ms));
          await until(() => underWay === 0, 'the nucleus has answered');
        }
      };
      await pass(MINUTE_MS);
      assert.equal(iotCore.log.length, 1);
      await bench.nucleus.setOnline(false);
      await pass(WEEK_MS);
      assert.equal(iotCore.log.length, 1);
      // It tries as long as the device is away.
      assert.ok(refused > 300, `${refused} refused`);
      await bench.nucleus.setOnline(true);
      assert.equal(iotCore.log.length, 1, 'nothing stale leaves');
      const backMs = clock.wallMs();
      await pass(STEP_MS + MINUTE_MS);
      assert.equal(iotCore.log.length, 2);
      const sent = JSON.parse(Buffer.from(iotCore.log[1]?.payload ?? []).toString('utf8')) as {
        state: { reported: { sentAtMs: number } };
      };
      assert.ok(sent.state.reported.sentAtMs >= backMs);
      heartbeat.close();
    });
  }
});
