import type { Tensor } from '../../../src/contract/mod.js';
import { connect } from '../../../src/client/mod.js';
import { answerParent } from '../../../examples/floors/child.js';

/** A local app in a process of its own, measured as its user would see it: `app.js COMPONENT` or `app.js SOCKET`. */
export type AppQuestion =
  | {
      readonly kind: 'predict';
      readonly model: string;
      readonly inputs: readonly Tensor[];
      readonly count: number;
      readonly capture?: 'always' | 'never';
      /** Requests at once. Default 1. */
      readonly concurrency?: number;
      readonly timeoutMs?: number;
      /** Slept before each request, so that nobody on its way is warm. Default: none. */
      readonly pauseMs?: number;
      /** Requests are started this often at the most. Default: as fast as answers come. */
      readonly intervalMs?: number;
    }
  | { readonly kind: 'list'; readonly count: number };

export interface AppAnswer {
  /** Of requests that succeeded. */
  readonly samplesMs: readonly number[];
  /** When each of them was sent, in milliseconds since the epoch. */
  readonly sentAtMs: readonly number[];
  /** How long each failed request took, by its code. */
  readonly failures: Readonly<Record<string, readonly number[]>>;
  readonly elapsedMs: number;
  readonly versions: readonly string[];
}

const [address = ''] = process.argv.slice(2);
const { client } = address.startsWith('/')
  ? await connect({ endpoint: address })
  : await connect({ component: address });

answerParent(async (question: AppQuestion): Promise<AppAnswer> => {
  const samplesMs: number[] = [];
  const sentAtMs: number[] = [];
  const failures: Record<string, number[]> = {};
  const versions = new Set<string>();
  const ask = async (): Promise<void> => {
    if (question.kind === 'list') {
      await client.listModels({ timeoutMs: 30_000 });
      return;
    }
    const reply = await client.predict(question.model, question.inputs, {
      timeoutMs: question.timeoutMs ?? 30_000,
      ...(question.capture === undefined ? {} : { capture: question.capture }),
    });
    versions.add(reply.version);
  };
  const begunMs = performance.now();
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started < question.count) {
      const index = started++;
      if (question.kind === 'predict') {
        const { intervalMs = 0, pauseMs = 0 } = question;
        const waitMs = Math.max(pauseMs, begunMs + index * intervalMs - performance.now());
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
      const askedMs = performance.now();
      try {
        await ask();
        samplesMs.push(performance.now() - askedMs);
        sentAtMs.push(performance.timeOrigin + askedMs);
      } catch (thrown) {
        const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'UNKNOWN';
        (failures[code] ??= []).push(performance.now() - askedMs);
      }
    }
  };
  const lanes = question.kind === 'predict' ? (question.concurrency ?? 1) : 1;
  await Promise.all(Array.from({ length: lanes }, lane));
  const elapsedMs = performance.now() - begunMs;
  return { samplesMs, sentAtMs, failures, elapsedMs, versions: [...versions] };
});
