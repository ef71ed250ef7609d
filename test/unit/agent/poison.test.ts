import { strict as assert } from 'node:assert';
import { predictTopic, type ReplyOf } from '../../../src/contract/mod.js';
import { ManualClock, silentLogger } from '../../../src/core/mod.js';
import { createRequester, type Requester } from '../../../src/ipc/mod.js';
import { Strikes } from '../../../src/runtime/agent/strikes.js';
import type { MemoryRun } from '../../../src/runtime/host/mod.js';
import type { RunRequest } from '../../../src/runtime/host/port/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { describeModel, input, predict, times } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';
import { outputFloats } from '../../lib/model-hosts.js';

const POISON = 666;
const isPoison = ({ inputs }: RunRequest): boolean => outputFloats(inputs[0])[0] === POISON;

/** Twins with a model that has proved itself, and whose process ends with every poisonous input. */
async function proved(run: (request: RunRequest) => MemoryRun | Promise<MemoryRun> = () => ({})) {
  const twins = await AgentTwins.create({
    configuration: { queue: { concurrency: 4 } },
    script: () => ({ run: (request) => (isPoison(request) ? 'crash' : run(request)) }),
  });
  await twins.register(await twins.package('1.0.0'));
  return twins;
}

async function app(twins: AgentTwins, component: string): Promise<Requester> {
  const transport = twins.broker.connect();
  const ports = { clock: systemClock, random: systemRandom, logger: silentLogger };
  return await createRequester({ transport, component, ...ports });
}

async function poison(requester: Requester): Promise<ReplyOf<'predict'>> {
  const body = { inputs: [{ ...input, data: [POISON] }] };
  return await requester.request('predict', body, { timeoutMs: 5000, topic: predictTopic('Model') });
}

describe('an input that ends the process of a model that has proved itself', () => {
  it('costs its caller more and more time, and nobody else the model', async () => {
    await using twins = await proved();
    await times(3, () => predict(twins));
    const hostile = await app(twins, 'com.example.Hostile');
    const reasons = new Set<string>();
    await until(async () => {
      const error = await poison(hostile).then(
        () => assert.fail('the poison was answered'),
        (thrown: { reason: string; retryAfterMs?: number }) => thrown,
      );
      if (error.reason === 'CALLER_HELD') assert.ok((error.retryAfterMs ?? 0) > 0);
      reasons.add(error.reason);
      assert.equal((await predict(twins)).version, '1.0.0');
      return error.reason === 'CALLER_HELD';
    }, 'the caller is refused');
    assert.deepEqual([...reasons], ['MODEL_HOST_DIED', 'CALLER_HELD']);
    assert.equal((await describeModel(twins)).state, 'SERVING');
    await hostile.close();
  });

  it('never quarantines it, also after a restart of the agent', async () => {
    await using twins = await proved();
    await times(3, () => predict(twins));
    await until(async () => {
      const { models } = twins.dependencies.registry.state;
      return models['Model']?.versions['1.0.0']?.proved === true;
    }, 'it is on disk that the version has proved itself');
    await twins.stop();
    await twins.start();
    const hostile = await app(twins, 'com.example.Hostile');
    await times(4, async () => await poison(hostile).catch(() => undefined));
    assert.equal((await predict(twins)).version, '1.0.0');
    assert.equal((await describeModel(twins)).state, 'SERVING');
    await hostile.close();
  });

  it('costs the requests beside it nothing: they run once more', async () => {
    let hangs = 0;
    await using twins = await proved(() => (hangs-- > 0 ? 'hang' : {}));
    await times(3, () => predict(twins));
    hangs = 1;
    const beside = predict(twins);
    await until(() => hangs === 0, 'it runs');
    await assert.rejects(poison(twins.requester), { reason: 'MODEL_HOST_DIED' });
    assert.equal((await beside).version, '1.0.0');
  });
});

describe('strikes', () => {
  const rules = { free: 1, baseMs: 1000, capMs: 8000, forgetMs: 60_000, most: 3 };

  it('cost nothing at first, then double up to a limit', () => {
    const strikes = new Strikes(new ManualClock(), rules);
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 7].map(() => strikes.add('a')),
      [0, 1000, 2000, 4000, 8000, 8000, 8000],
    );
    assert.equal(strikes.add('b'), 0);
  });

  it('are waited for, and forgotten after a quiet time', async () => {
    const clock = new ManualClock();
    const strikes = new Strikes(clock, rules);
    strikes.add('a');
    strikes.add('a');
    assert.equal(strikes.waitMs('a'), 1000);
    await clock.advance(400);
    assert.equal(strikes.waitMs('a'), 600);
    await clock.advance(700);
    assert.equal(strikes.waitMs('a'), 0);
    assert.equal(strikes.add('a'), 2000);
    await clock.advance(70_000);
    assert.equal(strikes.add('a'), 0);
  });

  it('take bounded memory: the oldest go', () => {
    const strikes = new Strikes(new ManualClock(), rules);
    for (const key of ['a', 'b', 'b', 'c', 'd']) strikes.add(key);
    assert.equal(strikes.add('b'), 2000);
    assert.equal(strikes.add('a'), 0);
  });
});
