import { predictTopic, type ReplyOf } from '../../src/contract/mod.js';
import type { AgentTwins } from './agent-twins.js';

/** What the packages of {@link AgentTwins} take. */
export const input = { name: 'x', datatype: 'FP32' as const, shape: [1], data: [1] };

/** Probation that ends with the fifth request. */
export const quick = { probation: { durationSeconds: 0, requests: 5, minimumRequests: 5 } };

export async function predict(
  twins: AgentTwins,
  body: object = {},
  { timeoutMs = 60_000, model = 'Model' } = {},
): Promise<ReplyOf<'predict'>> {
  return await twins.requester.request(
    'predict',
    { inputs: [input], ...body },
    { timeoutMs, topic: predictTopic(model) },
  );
}

export async function describeModel(twins: AgentTwins, version?: string): Promise<ReplyOf<'describe'>> {
  const body = { name: 'Model', ...(version === undefined ? {} : { version }) };
  return await twins.requester.request('describe', body, { timeoutMs: 60_000 });
}

export async function times(count: number, act: () => Promise<unknown>): Promise<void> {
  for (let turn = 0; turn < count; turn++) await act();
}
