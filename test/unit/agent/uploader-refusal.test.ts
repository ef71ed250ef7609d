import assert from 'node:assert/strict';
import {
  heartbeatTopic,
  REFUSAL_REPEAT_MS,
  SpoolResult,
  topics,
  type HeartbeatReport,
} from '../../../src/contract/mod.js';
import { EdgeError, ManualClock, validate } from '../../../src/core/mod.js';
import { RefusalNotice } from '../../../src/upload/refusal-notice.js';
import { UploaderRefusal } from '../../../src/runtime/agent/uploader-refusal.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

const REFUSED = new EdgeError('FIELD_INVALID', "Cannot read the configuration as 'maxConcurrency' is 1000");

describe("a refusal of the uploader's configuration", () => {
  it('is repeated to the agent as long as it stands', async () => {
    const clock = new ManualClock();
    const told: SpoolResult[] = [];
    const notice = new RefusalNotice(clock, (one) => told.push(validate(SpoolResult, one, 'Cannot tell')));
    notice.verdict(REFUSED);
    await clock.advance(3 * REFUSAL_REPEAT_MS);
    assert.deepEqual(
      told.map(({ refusal }) => refusal?.message),
      Array.from({ length: 4 }, () => REFUSED.message),
    );
    notice.verdict(undefined);
    await clock.advance(3 * REFUSAL_REPEAT_MS);
    assert.equal(told.length, 5);
    assert.equal(told.at(-1)?.refusal, null);
    notice.close();
  });

  it('is forgotten with an uploader that says no more, and stands through a few lost notices', async () => {
    const clock = new ManualClock();
    const heard = new UploaderRefusal(clock);
    const refusal = { code: 'INVALID_ARGUMENT', message: 'because', atMs: 1 };
    heard.hear(refusal);
    await clock.advance(4 * REFUSAL_REPEAT_MS);
    assert.deepEqual(heard.current, refusal);
    await clock.advance(20 * REFUSAL_REPEAT_MS);
    assert.equal(heard.current, undefined);
  });

  it('stands in the heartbeat at once, and no notice that cannot be read does', async () => {
    await using twins = await AgentTwins.create();
    const say = async (refusal: unknown): Promise<void> => {
      const notice = { v: 1, segment: '', objects: 0, records: 0, refusal };
      await twins.greengrass.publish(topics.spoolResult, Buffer.from(JSON.stringify(notice)));
    };
    const told = (): HeartbeatReport['uploadError'] | null => {
      const last = twins.greengrass.iotCore.findLast(({ topic }) => topic === heartbeatTopic('thing-1'));
      const update = JSON.parse(new TextDecoder().decode(last?.payload)) as {
        state: { reported: HeartbeatReport };
      };
      return update.state.reported.uploadError;
    };
    const flood = { code: 'INVALID_ARGUMENT', message: 'x'.repeat(5000), atMs: 1 };
    await say(flood);
    await say({ code: 'INVALID_ARGUMENT', message: 'because', atMs: 1 });
    await until(() => twins.greengrass.iotCore.length > 0 && told()?.message === 'because', 'it is told');
    await say(null);
    await until(() => told() === null, 'it has left');
  });
});
