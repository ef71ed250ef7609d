import { strict as assert } from 'node:assert';
import { predictTopic } from '../../../src/contract/mod.js';
import { EdgeError, type JsonObject } from '../../../src/core/mod.js';
import type { MemoryRun } from '../../../src/runtime/host/mod.js';
import type { RunRequest } from '../../../src/runtime/host/port/mod.js';
import { describeModel, input } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';
import { outputFloats } from '../../lib/model-hosts.js';

type Run = (request: RunRequest) => MemoryRun | Promise<MemoryRun>;

const valueOf = ({ inputs }: RunRequest): unknown => outputFloats(inputs[0])[0];
const fine: Run = () => ({});
const refuse: Run = () => {
  throw new EdgeError('INPUTS_REFUSED', 'Cannot run the model on these inputs: no');
};

/** 2.0.0 is on probation against 1.0.0; each does with the value 666 what is said here, and answers the rest. */
async function onProbation(former: Run, newer: Run, probation: JsonObject = {}) {
  const twins = await AgentTwins.create({
    configuration: { probation: { durationSeconds: 600, requests: 500, minimumRequests: 10, ...probation } },
    script: ({ key }) => ({
      run: (request) => (valueOf(request) === 666 ? (key.endsWith('2.0.0') ? newer : former)(request) : {}),
    }),
  });
  await twins.register(await twins.package('1.0.0'));
  await twins.register(await twins.package('2.0.0'));
  const ask =
    (value: number, timeoutMs = 60_000) =>
    async (): Promise<unknown> =>
      await twins.requester
        .request(
          'predict',
          { inputs: [{ ...input, data: [value] }] },
          { timeoutMs, topic: predictTopic('Model') },
        )
        .catch((thrown: unknown) => thrown);
  const isRolledBack = async (): Promise<boolean> =>
    (await describeModel(twins, '2.0.0')).state === 'ROLLED_BACK';
  return { twins, ask, isRolledBack };
}

describe('a probation by comparison', () => {
  for (const [what, newer] of [
    ['refuses', refuse],
    ['fails at', () => Promise.reject(new EdgeError('INTERNAL', 'broken'))],
    ['makes NaN of', () => ({ nonFinite: true })],
  ] as const) {
    it(`takes back a version that ${what} what the former one answers, and says so in numbers`, async () => {
      const { twins, ask, isRolledBack } = await onProbation(fine, newer);
      await using _agent = twins;
      await until(async () => {
        await ask(666)();
        return await isRolledBack();
      }, 'the former version does better');
      const { reason } = await twins.event('ROLLED_BACK');
      assert.match(reason ?? '', /^\d+ of 1\d (requests failed|outputs held NaN).*former.*1 caller/);
    });

    it(`keeps a version that ${what} what the former one does no better with`, async () => {
      const { twins, ask, isRolledBack } = await onProbation(newer, newer);
      await using _agent = twins;
      for (let count = 0; count < 40; count++) await ask(666)();
      for (let count = 0; count < 10; count++) await ask(1)();
      assert.equal(await isRolledBack(), false);
      const { probation } = await describeModel(twins, '2.0.0');
      assert.deepEqual([probation?.errors, probation?.nonFinite], [0, 0]);
    });
  }

  it('holds a short deadline against nobody but its caller', async () => {
    const { twins, ask, isRolledBack } = await onProbation(fine, () => 'hang');
    await using _agent = twins;
    for (let count = 0; count < 20; count++) {
      await ask(666, 20)();
      await ask(1)();
    }
    assert.equal(await isRolledBack(), false);
    assert.equal((await describeModel(twins, '2.0.0')).probation?.errors, 0);
  });

  it('lets the caller of an input that ends both versions answer for it, from the first run on', async () => {
    const { twins, ask, isRolledBack } = await onProbation(
      () => 'crash',
      () => 'crash',
    );
    await using _agent = twins;
    await until(async () => {
      const answer = await ask(666)();
      return answer instanceof EdgeError && answer.reason === 'CALLER_HELD';
    }, 'the caller is held');
    assert.equal(await isRolledBack(), false);
    assert.notEqual((await describeModel(twins, '2.0.0')).state, 'QUARANTINED');
    assert.notEqual((await describeModel(twins, '1.0.0')).state, 'QUARANTINED');
  });

  it('is not decided by one caller where another one is served well', async () => {
    const { twins, ask, isRolledBack } = await onProbation(fine, refuse);
    await using _agent = twins;
    const other = await twins.app('com.example.Other');
    for (let count = 0; count < 12; count++) {
      const { x } = { x: { ...input, data: new Uint8Array(Float32Array.of(1).buffer) } };
      await other.predict('Model', [x]);
    }
    for (let count = 0; count < 60; count++) await ask(666)();
    await until(
      async () => ((await describeModel(twins, '2.0.0')).probation?.errors ?? 0) >= 30,
      'the former version was asked',
    );
    assert.equal(await isRolledBack(), false);
    await other.close();
  });
});
