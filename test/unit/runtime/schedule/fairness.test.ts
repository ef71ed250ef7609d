import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ManualClock, toEdgeError } from '../../../../src/core/mod.js';
import { Scheduler } from '../../../../src/runtime/schedule/mod.js';

const RUN_MS = 10;

/** A model whose host runs one after the other, each for 10 ms, on a clock of its own. */
function model(concurrency = 2, capacity = 64) {
  const clock = new ManualClock();
  const scheduler = new Scheduler(clock, () => ({ concurrency, capacity }));
  let freeAtMs = 0;
  const ask = async (caller: string, timeoutMs = 60_000): Promise<number> => {
    const beganMs = clock.monotonicMs();
    const order = { caller, deadlineMs: beganMs + timeoutMs };
    await scheduler.submit('model', order, async () => {
      freeAtMs = Math.max(freeAtMs, clock.monotonicMs()) + RUN_MS;
      await clock.sleep(freeAtMs - clock.monotonicMs());
    });
    return clock.monotonicMs() - beganMs;
  };
  /** Keeps `many` requests under way for as long as `goesOn` says; refusals are tried again after a while. */
  const flood = async (name: () => string, many: number, goesOn: () => boolean): Promise<void> => {
    const one = async (): Promise<void> => {
      while (goesOn()) await ask(name()).catch(() => clock.sleep(5));
    };
    await Promise.all(Array.from({ length: many }, one));
  };
  return { clock, scheduler, ask, flood };
}

/** How long each of `count` requests took, one after the other with pauses, beside floods of these names. */
async function latencies(floods: readonly (() => string)[], pausesMs: readonly number[]): Promise<number[]> {
  const { clock, ask, flood } = model();
  const took: number[] = [];
  let over = false;
  const victim = async (): Promise<void> => {
    // Its first request makes it known.
    await ask('victim');
    for (const pauseMs of pausesMs) {
      await clock.sleep(pauseMs);
      took.push(await ask('victim'));
    }
    over = true;
  };
  const done = victim();
  const flooding = floods.map((name) => flood(name, 100, () => !over));
  for (let step = 0; !over; step++) {
    assert.ok(step < 100_000, 'the victim is served');
    await clock.advance(1);
  }
  await clock.advance(100_000);
  await Promise.all([done, ...flooding]);
  // The first is a stranger's among strangers.
  return took.slice(1);
}

describe('callers of one model', () => {
  it('take turns: a flood of another costs a caller at most twice its time', async () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 20, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(pauses, async (pausesMs) => {
        const worst = Math.max(...(await latencies([() => 'flood'], pausesMs)));
        assert.ok(worst <= 2 * RUN_MS, `${worst} ms`);
      }),
      { numRuns: 20 },
    );
  });

  it('cost each other one run a round, however much each sends', async () => {
    const worst = Math.max(
      ...(await latencies(
        [() => 'one', () => 'two'],
        Array.from({ length: 20 }, () => 7),
      )),
    );
    assert.ok(worst <= 3 * RUN_MS, `${worst} ms`);
  });

  it('wait for nobody who names himself anew each time', async () => {
    let count = 0;
    const took = await latencies(
      [() => `flood-${count++}`],
      Array.from({ length: 20 }, () => 7),
    );
    assert.ok(Math.max(...took) <= 3 * RUN_MS, took.join());
  });

  it('find room in a queue that another has filled', async () => {
    const { clock, scheduler, ask } = model(1, 4);
    const flooding = Array.from({ length: 5 }, () =>
      ask('flood').then(
        () => 'ran',
        (thrown) => toEdgeError(thrown).reason,
      ),
    );
    const refused = await ask('flood').catch((thrown: unknown) => toEdgeError(thrown));
    assert.ok(refused instanceof Error && refused.reason === 'QUEUE_FULL');
    const mine = Promise.all([ask('app'), ask('app')]);
    assert.deepEqual(scheduler.load('model'), { running: 1, queued: 4 });
    await clock.advance(1000);
    await mine;
    // The two that came last lost their places.
    assert.deepEqual(await Promise.all(flooding), ['ran', 'ran', 'ran', 'QUEUE_FULL', 'QUEUE_FULL']);
  });

  it('wait for one run of the local endpoint’s, however many connections it has', async () => {
    const floods = Array.from({ length: 8 }, (_, index) => () => `endpoint/${index}`);
    const took = await latencies(
      floods,
      Array.from({ length: 20 }, () => 7),
    );
    assert.ok(Math.max(...took) <= 2 * RUN_MS, took.join());
  });

  it('take turns among themselves by the local endpoint too', async () => {
    const { clock, ask } = model(1, 64);
    const order: string[] = [];
    const ran = async (caller: string): Promise<void> => {
      await ask(caller);
      order.push(caller);
    };
    const callers = ['a', 'a', 'a', 'a', 'b'].map((name) => `endpoint/${name}`);
    const all = Promise.all(callers.map(ran));
    await clock.advance(1000);
    await all;
    assert.ok(order.indexOf('endpoint/b') <= 2, order.join());
  });

  it('find room in a queue that connections to the local endpoint have filled, one each', async () => {
    const { clock, ask } = model(1, 4);
    const flooding = Array.from({ length: 5 }, (_, index) =>
      ask(`endpoint/${index}`).then(
        () => 'ran',
        (thrown) => toEdgeError(thrown).reason,
      ),
    );
    const mine = ask('app');
    const late = await ask('endpoint/late').catch((thrown: unknown) => toEdgeError(thrown));
    await clock.advance(1000);
    await mine;
    assert.ok(late instanceof Error && late.reason === 'QUEUE_FULL');
    assert.deepEqual(await Promise.all(flooding), ['ran', 'ran', 'ran', 'ran', 'QUEUE_FULL']);
  });

  it('have the whole queue and both places in the host where nobody else is about', async () => {
    const { clock, scheduler, ask } = model(2, 4);
    const all = Array.from({ length: 6 }, () => ask('app'));
    assert.deepEqual(scheduler.load('model'), { running: 2, queued: 4 });
    await clock.advance(1000);
    assert.equal((await Promise.all(all)).length, 6);
  });
});
