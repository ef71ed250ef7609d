import assert from 'node:assert/strict';
import type { HeartbeatModel } from '../../../src/contract/mod.js';
import type { EngineReport } from '../../../src/runtime/host/port/mod.js';
import { AgentTwins } from '../../lib/agent-twins.js';

const CUDA = 'CUDAExecutionProvider';
const python = { language: 'python 3.11.2', version: '1.30.0' };

/** What the heartbeat says of a model that is loaded by such an engine. */
async function reported(engine?: EngineReport): Promise<HeartbeatModel> {
  await using twins = await AgentTwins.create({
    script: () => ({ load: () => (engine === undefined ? {} : { engine }) }),
  });
  await twins.register(await twins.package('1.0.0'));
  const [model] = twins.agent.heartbeat.collect().models;
  assert.ok(model !== undefined);
  return model;
}

describe("the heartbeat of a model in the device's own Python", () => {
  it('names the provider that computes it, cut to what a report has room for', async () => {
    const { provider, fallback } = await reported({ ...python, provider: CUDA });
    assert.deepEqual({ provider, fallback }, { provider: CUDA, fallback: undefined });
    const long = await reported({ ...python, provider: 'P'.repeat(500) });
    assert.equal(long.provider, 'P'.repeat(128));
  });

  it('says that a wanted one computes nothing of it', async () => {
    const missing = { [CUDA]: 'this onnxruntime has none' };
    const { provider, fallback } = await reported({ ...python, provider: 'CPUExecutionProvider', missing });
    assert.deepEqual({ provider, fallback }, { provider: 'CPUExecutionProvider', fallback: true });
  });

  it('says nothing of the engine where that is the agent’s own', async () => {
    const model = await reported();
    assert.ok(!('provider' in model) && !('fallback' in model));
  });
});
