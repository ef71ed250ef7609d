import { strict as assert } from 'node:assert';
import { deferred } from '../../../src/core/mod.js';
import type { MemoryRun } from '../../../src/runtime/host/mod.js';
import { describeModel, predict } from '../../lib/agent-requests.js';
import { AgentTwins, type TwinOptions } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

/** Models of 40 MB each: two of them fit. */
async function agentWith(
  models: readonly string[],
  script: TwinOptions['script'] = () => ({}),
): Promise<AgentTwins> {
  const twins = await AgentTwins.create({
    configuration: { memoryBudgetMb: 100 },
    script: (spec) => ({ memoryBytes: () => 40 * 2 ** 20, ...script(spec) }),
  });
  for (const model of models) await add(twins, model);
  return twins;
}

async function add(twins: AgentTwins, model: string): Promise<void> {
  await twins.register(await twins.package('1.0.0', model), model);
}

async function holds(twins: AgentTwins, ...models: string[]): Promise<void> {
  const wanted = models.map((model) => `${model}@1.0.0`).join();
  const held = (): string => [...twins.hosts.loaded].sort().join();
  await until(() => held() === wanted, `memory holds ${wanted}: it holds ${held()}`);
}

describe('memory', () => {
  it('goes to what was used last, and to the others on demand', async () => {
    await using twins = await agentWith(['A', 'B']);
    await predict(twins, {}, { model: 'B' });
    await predict(twins, {}, { model: 'A' });
    await add(twins, 'C');
    await holds(twins, 'A', 'C');
    assert.equal((await predict(twins, {}, { model: 'B' })).model, 'B');
    await holds(twins, 'B', 'C');
    assert.equal((await predict(twins, {}, { model: 'A' })).model, 'A');
    await holds(twins, 'A', 'B');
  });

  it('is never taken from a pinned model, nor from one in use', async () => {
    const gate = deferred<undefined>();
    await using twins = await agentWith(['A', 'B'], ({ key }) => ({
      run: async (): Promise<MemoryRun> => {
        if (key.startsWith('B')) await gate.promise;
        return {};
      },
    }));
    await twins.requester.request('load', { name: 'A', pinned: true }, { timeoutMs: 60_000 });
    const running = predict(twins, {}, { model: 'B' });
    await until(() => twins.agent.pending === 1, 'B runs');
    await add(twins, 'C');
    await holds(twins, 'A', 'B');
    await assert.rejects(predict(twins, {}, { model: 'C' }), {
      code: 'RESOURCE_EXHAUSTED',
      message: /the other models are pinned or in use/,
    });
    gate.resolve(undefined);
    assert.equal((await running).model, 'B');
    assert.equal((await predict(twins, {}, { model: 'C' })).model, 'C');
    await holds(twins, 'A', 'C');
  });

  it('that comes back too late costs the request its deadline, not the next one', async () => {
    const gate = deferred<undefined>();
    const loads = new Map<string, number>();
    await using twins = await agentWith(['Model', 'B', 'C'], ({ key }) => ({
      load: async () => {
        const count = (loads.get(key) ?? 0) + 1;
        loads.set(key, count);
        if (key === 'Model@1.0.0' && count === 2) await gate.promise;
        return {};
      },
    }));
    await holds(twins, 'B', 'C');
    assert.equal((await describeModel(twins)).state, 'UNLOADED');
    await assert.rejects(predict(twins, {}, { timeoutMs: 100 }), { code: 'DEADLINE_EXCEEDED' });
    gate.resolve(undefined);
    assert.equal((await predict(twins)).model, 'Model');
    assert.equal(loads.get('Model@1.0.0'), 2);
  });
});
