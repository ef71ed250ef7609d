import { strict as assert } from 'node:assert';
import { deferred, EdgeError, ManualClock, silentLogger } from '../../../src/core/mod.js';
import { MemoryBroker } from '../../../src/ipc/mod.js';
import { deferUpdates } from '../../../src/runtime/agent/component-updates.js';
import type { MemoryRun } from '../../../src/runtime/host/mod.js';
import { predict } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

/** A model that hangs until told otherwise, and as many predictions of it. */
async function crowded(predictions: number, limit: number) {
  const gate = deferred<MemoryRun>();
  const twins = await AgentTwins.create({
    configuration: { queue: { limit, concurrency: 1, maxDeadlineMs: 600_000 } },
    script: () => ({ run: () => gate.promise }),
  });
  await twins.register(await twins.package('1.0.0'));
  const codes = Array.from({ length: predictions }, async () => {
    try {
      await predict(twins, {}, { timeoutMs: 600_000 });
      return 'OK';
    } catch (thrown) {
      assert.ok(thrown instanceof EdgeError);
      return thrown.retryAfterMs === undefined ? thrown.code : `${thrown.code} with a hint`;
    }
  });
  return { twins, gate, codes };
}

describe('predictions', () => {
  it('beyond the queue of their model are refused at once, with a hint when to come again', async () => {
    const { twins, gate, codes } = await crowded(10, 4);
    await using agent = twins;
    await until(() => agent.agent.pending === 5, 'one runs and four wait');
    gate.resolve({});
    const counts = (await Promise.all(codes)).sort((a, b) => a.localeCompare(b));
    assert.deepEqual(counts, [
      ...Array<string>(5).fill('OK'),
      ...Array<string>(5).fill('RESOURCE_EXHAUSTED with a hint'),
    ]);
  });

  it('never block the control lane, however many hang', async () => {
    const { twins, gate, codes } = await crowded(1500, 10_000);
    await using agent = twins;
    await until(() => agent.link.responder.inFlight >= 1024, 'as many as may are under way');
    const options = { timeoutMs: 60_000 };
    const { models } = await agent.requester.request('list', {}, options);
    assert.equal(models[0]?.state, 'SERVING');
    const other = await agent.register(await agent.package('1.0.0', 'Other'), 'Other');
    assert.equal(other.verdict, 'ADMITTED');
    assert.ok(
      (await agent.requester.request('stats', {}, options)).models.some(({ queued }) => queued > 1000),
    );
    gate.resolve({});
    const answers = await Promise.all(codes);
    assert.equal(answers.filter((code) => code === 'OK').length, 1024);
    assert.equal(answers.filter((code) => code === 'RESOURCE_EXHAUSTED with a hint').length, 1500 - 1024);
  });
});

describe('a component update', () => {
  it('waits for requests that run, 30 s at most, whatever runs', async () => {
    const clock = new ManualClock();
    const greengrass = new MemoryBroker().connect();
    await deferUpdates({ greengrass, pending: () => 1, clock, logger: silentLogger });
    for (let second = 0; second < 31; second++) {
      greengrass.announceUpdate({ kind: 'pre', deploymentId: 'd1' });
      await clock.advance(1000);
    }
    const waits = greengrass.deferred.map(({ recheckAfterMs }) => recheckAfterMs);
    assert.ok(waits.slice(0, 30).every((ms) => ms > 0 && ms <= 1000));
    assert.deepEqual(waits.slice(30), [0]);
    assert.equal(greengrass.deferred[0]?.message, 'Requests under way: 1');
  });

  it('that was given up is forgotten: where it comes again, it waits as at first', async () => {
    const clock = new ManualClock();
    const greengrass = new MemoryBroker().connect();
    await deferUpdates({ greengrass, pending: () => 1, clock, logger: silentLogger });
    greengrass.announceUpdate({ kind: 'pre', deploymentId: 'd1' });
    await clock.advance(40_000);
    greengrass.announceUpdate({ kind: 'pre', deploymentId: 'd2' });
    greengrass.announceUpdate({ kind: 'pre', deploymentId: 'd1' });
    assert.ok(greengrass.deferred.every(({ recheckAfterMs }) => recheckAfterMs > 0));
  });
});
