import assert from 'node:assert/strict';
import fc from 'fast-check';
import { deferred, EdgeError, ManualClock, type Deferred } from '../../../../src/core/mod.js';
import { Scheduler } from '../../../../src/runtime/schedule/mod.js';

const code = (wanted: string) => (error: unknown) => error instanceof EdgeError && error.code === wanted;

describe('the scheduler', () => {
  let clock: ManualClock;
  let scheduler: Scheduler;
  let runs: Deferred<string>[];
  const submit = (timeoutMs = 1000, key = 'a', caller = 'app'): Promise<string> =>
    scheduler.submit(key, { caller, deadlineMs: clock.monotonicMs() + timeoutMs }, () => {
      const run = deferred<string>();
      runs.push(run);
      return run.promise;
    });
  beforeEach(() => {
    clock = new ManualClock();
    scheduler = new Scheduler(clock, () => ({ concurrency: 1, capacity: 2 }));
    runs = [];
  });

  it('runs nothing for a caller that waits no more, and gives its place to the next', async () => {
    const first = submit();
    const gone = new AbortController();
    const order = { caller: 'app', deadlineMs: 1000, signal: gone.signal };
    const left = scheduler.submit('a', order, async () => assert.fail('nobody waits for it'));
    const next = submit();
    gone.abort();
    await assert.rejects(left, { reason: 'CLOSED' });
    assert.deepEqual(scheduler.load('a'), { running: 1, queued: 1 });
    runs[0]?.resolve('first');
    await clock.advance(0);
    runs[1]?.resolve('next');
    assert.deepEqual(await Promise.all([first, next]), ['first', 'next']);
    assert.equal(clock.waiting, 0);
  });

  it('runs one at a time, in order of arrival', async () => {
    const order: string[] = [];
    const all = ['first', 'second', 'third'].map((name) =>
      scheduler.submit('a', { caller: 'app', deadlineMs: 1000 }, async () => {
        order.push(`${name} begins`);
        await clock.sleep(10);
        order.push(`${name} ends`);
      }),
    );
    await clock.advance(100);
    await Promise.all(all);
    assert.deepEqual(order, [
      'first begins',
      'first ends',
      'second begins',
      'second ends',
      'third begins',
      'third ends',
    ]);
  });

  it('refuses what does not fit into the queue, with a hint that follows the runs', async () => {
    const first = submit();
    await clock.advance(40);
    runs[0]?.resolve('done');
    await first;
    const kept = [submit(), submit(), submit()];
    await assert.rejects(
      submit(),
      (error) => code('RESOURCE_EXHAUSTED')(error) && error instanceof EdgeError && error.retryAfterMs === 80,
    );
    assert.deepEqual(scheduler.load('a'), { running: 1, queued: 2 });
    for (let index = 1; index < 4; index++) {
      runs[index]?.resolve('done');
      await kept[index - 1];
    }
  });

  it('answers at the deadline without ever running', async () => {
    const running = submit(5000);
    const waiting = assert.rejects(submit(100), code('DEADLINE_EXCEEDED'));
    await clock.advance(100);
    await waiting;
    assert.deepEqual(scheduler.load('a'), { running: 1, queued: 0 });
    runs[0]?.resolve('done');
    assert.equal(await running, 'done');
    assert.equal(runs.length, 1);
    await assert.rejects(submit(0), code('DEADLINE_EXCEEDED'));
  });

  it('lets a request wait here where it has no time to wait in the host', async () => {
    scheduler = new Scheduler(clock, () => ({ concurrency: 2, capacity: 2 }));
    for (let index = 0; index < 8; index++) {
      const run = submit();
      await clock.advance(40);
      runs[index]?.resolve('done');
      await run;
    }
    const running = submit(1000);
    const hasTime = submit(1000);
    assert.deepEqual(scheduler.load('a'), { running: 2, queued: 0 });
    await clock.advance(40);
    runs[9]?.resolve('done');
    await hasTime;
    const hurried = submit(70);
    assert.deepEqual(scheduler.load('a'), { running: 1, queued: 1 });
    await clock.advance(10);
    runs[8]?.resolve('done');
    await running;
    assert.deepEqual(scheduler.load('a'), { running: 1, queued: 0 });
    await clock.advance(0);
    runs[10]?.resolve('done');
    assert.equal(await hurried, 'done');
  });

  it('tells each request how long it waited', async () => {
    const running = submit();
    const waited = scheduler.submit('a', { caller: 'app', deadlineMs: 1000 }, (queueMs) =>
      Promise.resolve(queueMs),
    );
    await clock.advance(30);
    runs[0]?.resolve('done');
    await running;
    assert.equal(await waited, 30);
  });

  it('does not start what even the shortest of the last runs would miss', async () => {
    for (let index = 0; index < 8; index++) {
      const run = submit();
      await clock.advance(50);
      runs[index]?.resolve('done');
      await run;
    }
    const running = submit();
    const hopeless = assert.rejects(submit(80), code('DEADLINE_EXCEEDED'));
    await clock.advance(40);
    runs[8]?.resolve('done');
    await running;
    await hopeless;
    assert.equal(runs.length, 9);
  });

  it('keeps models apart', async () => {
    const stuck = submit(1000, 'a');
    const other = submit(1000, 'b');
    await clock.advance(0);
    runs[1]?.resolve('b is done');
    assert.equal(await other, 'b is done');
    runs[0]?.resolve('a is done');
    await stuck;
  });

  it('goes on after a task that throws', async () => {
    const failing = submit();
    const next = submit();
    await clock.advance(0);
    runs[0]?.reject(new EdgeError('UNAVAILABLE', 'gone'));
    await assert.rejects(failing, code('UNAVAILABLE'));
    await clock.advance(0);
    runs[1]?.resolve('done');
    assert.equal(await next, 'done');
  });

  it('drains: what runs ends, what waits and what comes gets UNAVAILABLE', async () => {
    const running = submit();
    const waiting = assert.rejects(submit(), code('UNAVAILABLE'));
    const drained = scheduler.drain(500);
    await waiting;
    await assert.rejects(submit(), code('UNAVAILABLE'));
    runs[0]?.resolve('done');
    assert.equal(await running, 'done');
    assert.equal(await drained, true);
    assert.equal(await scheduler.drain(500), true);
  });

  it('does not wait longer than it may for what runs', async () => {
    const running = submit();
    const drained = scheduler.drain(500);
    await clock.advance(500);
    assert.equal(await drained, false);
    runs[0]?.resolve('done');
    await running;
  });

  it('gives every request exactly one answer, in time, within its bounds', async () => {
    const request = fc.record({
      key: fc.constantFrom('a', 'b'),
      caller: fc.constantFrom('one', 'two', 'three'),
      atMs: fc.nat(200),
      timeoutMs: fc.integer({ min: 0, max: 100 }),
      runMs: fc.nat(60),
      fails: fc.boolean(),
    });
    const limits = fc.record({ concurrency: fc.integer({ min: 1, max: 3 }), capacity: fc.nat(4) });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 40 }), limits, async (requests, bounds) => {
        const time = new ManualClock();
        const queue = new Scheduler(time, () => bounds);
        const running = { a: 0, b: 0 };
        const answers = requests.map(async ({ key, caller, atMs, timeoutMs, runMs, fails }) => {
          await time.sleep(atMs);
          const deadlineMs = time.monotonicMs() + timeoutMs;
          return await queue
            .submit(key, { caller, deadlineMs }, async () => {
              assert.ok(time.monotonicMs() < deadlineMs, 'a run begins before its deadline');
              running[key as 'a' | 'b'] += 1;
              assert.ok(running[key as 'a' | 'b'] <= bounds.concurrency);
              await time.sleep(runMs);
              running[key as 'a' | 'b'] -= 1;
              if (fails) throw new EdgeError('INTERNAL', 'failed');
              return 'ran';
            })
            .catch((error: unknown) => (error instanceof EdgeError ? error.code : String(error)));
        });
        await time.advance(10_000);
        const outcomes = await Promise.all(answers);
        const known = new Set(['ran', 'INTERNAL', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED']);
        assert.ok(
          outcomes.every((outcome) => known.has(outcome)),
          outcomes.join(),
        );
        assert.deepEqual(queue.load('a'), { running: 0, queued: 0 });
        assert.equal(time.waiting, 0);
      }),
      { numRuns: 300 },
    );
  });
});
