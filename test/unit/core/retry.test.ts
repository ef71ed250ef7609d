import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fullJitterMs, ManualClock, retry, SeededRandom, type RetryOptions } from '../../../src/core/mod.js';

interface Told {
  readonly tries: number[];
  readonly pauses: number[];
}

/** `failures` tries fail; the clock goes on for as long as it takes. */
async function run(
  failures: number,
  options: Partial<RetryOptions> = {},
): Promise<Told & { readonly result: PromiseSettledResult<string> }> {
  const clock = new ManualClock();
  const told: Told = { tries: [], pauses: [] };
  const going = retry(
    async (attempt) => {
      told.tries.push(clock.monotonicMs());
      if (attempt <= failures) throw new Error(`failure ${attempt}`);
      return `try ${attempt}`;
    },
    {
      clock,
      random: new SeededRandom(1),
      baseMs: 100,
      capMs: 1000,
      worth: () => true,
      onPause: ({ delayMs }) => told.pauses.push(delayMs),
      ...options,
    },
  );
  const settled = Promise.allSettled([going]);
  await clock.advance(1_000_000);
  const [result] = await settled;
  return { ...told, result };
}

function reasonOf(result: PromiseSettledResult<string>): unknown {
  return result.status === 'rejected' ? (result.reason as Error).message : undefined;
}

describe('retry', () => {
  it('gives what the first good try gives, after pauses within base, cap and least', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.nat(50), fc.integer(), async (failures, leastMs, seed) => {
        const { result, pauses, tries } = await run(failures, { leastMs, random: new SeededRandom(seed) });
        assert.deepEqual(result, { status: 'fulfilled', value: `try ${failures + 1}` });
        assert.equal(pauses.length, failures);
        let atMs = 0;
        for (const [index, pauseMs] of pauses.entries()) {
          assert.ok(pauseMs >= leastMs && pauseMs <= leastMs + Math.min(1000, 100 * 2 ** index));
          atMs += pauseMs;
          assert.equal(tries[index + 1], atMs);
        }
      }),
    );
  });

  it('pauses for the whole ceiling where there is no randomness', async () => {
    const clock = new ManualClock();
    const pauses: number[] = [];
    const going = retry(
      async (attempt) => {
        if (attempt < 6) throw new Error('not yet');
      },
      {
        clock,
        baseMs: 100,
        capMs: 500,
        worth: () => true,
        onPause: ({ delayMs }) => pauses.push(delayMs),
      },
    );
    await clock.advance(10_000);
    await going;
    assert.deepEqual(pauses, [100, 200, 400, 500, 500]);
  });

  it('throws at once what no further try can help', async () => {
    const { result, pauses } = await run(5, { worth: (thrown) => String(thrown).includes('failure 1') });
    assert.equal(reasonOf(result), 'failure 2');
    assert.equal(pauses.length, 1);
  });

  it('throws the last failure after the last try, and where the next would begin at the end or later', async () => {
    assert.equal(reasonOf((await run(5, { maxTries: 3 })).result), 'failure 3');
    const { result, tries } = await run(50, { endsAtMs: 500, leastMs: 100 });
    assert.equal(reasonOf(result), `failure ${tries.length}`);
    assert.ok(tries.every((atMs) => atMs < 500));
  });

  it('makes no try and waits no longer once its signal has aborted', async () => {
    const controller = new AbortController();
    const { result, tries } = await run(50, {
      signal: controller.signal,
      onPause: () => controller.abort(new Error('enough')),
    });
    assert.equal(reasonOf(result), 'enough');
    assert.equal(tries.length, 1);
    assert.equal((await run(0, { signal: controller.signal })).tries.length, 0);
  });
});

describe('fullJitterMs', () => {
  it('is uniform below a ceiling that doubles up to its cap, however many failures there were', () => {
    const most = { fraction: () => 0.999_999, hex: () => '' };
    const backoff = { baseMs: 100, capMs: 1000 };
    assert.deepEqual(
      [1, 2, 3, 4, 5, 1000].map((attempt) => fullJitterMs(attempt, backoff, most)),
      [99, 199, 399, 799, 999, 999],
    );
  });
});
