import assert from 'node:assert/strict';
import { ManualClock, SeededRandom } from '../../../src/core/mod.js';
import { DEFAULT_RETRY_POLICY, failureOf } from '../../../src/upload/mod.js';
import { StoreGate, type Permit } from '../../../src/upload/gate.js';
import { RateLimit } from '../../../src/upload/rate.js';
import { SegmentQueue } from '../../../src/upload/segment-queue.js';

const live = new AbortController().signal;
const down = failureOf({ code: 'ECONNREFUSED' });

function gateWith(clock: ManualClock, options: { spreadMs?: number; seed?: number } = {}): StoreGate {
  return new StoreGate({
    maxConcurrency: 8,
    policy: DEFAULT_RETRY_POLICY,
    spreadMs: options.spreadMs ?? 0,
    clock,
    random: new SeededRandom(options.seed ?? 1),
  });
}

describe('StoreGate', () => {
  let clock: ManualClock;
  beforeEach(() => {
    clock = new ManualClock();
  });

  async function warmUp(gate: StoreGate): Promise<void> {
    for (let index = 0; index < 100; index++) gate.leave(await gate.enter(live));
  }

  /** How many of 20 who ask are let in without any time passing; they stay in. */
  async function entersNow(gate: StoreGate): Promise<number> {
    const stops = Array.from({ length: 20 }, () => new AbortController());
    let entered = 0;
    const count = (): number => entered++;
    for (const stop of stops) void gate.enter(stop.signal).then(count, () => undefined);
    await clock.advance(0);
    for (const stop of stops) stop.abort(new Error('enough'));
    await clock.advance(0);
    return entered;
  }

  it('lets one request in at first, and after successes as many as the cap allows', async () => {
    assert.equal(await entersNow(gateWith(clock)), 1);
    const gate = gateWith(clock);
    await warmUp(gate);
    assert.equal(await entersNow(gate), 8);
  });

  it('halves its concurrency when the store throttles', async () => {
    const gate = gateWith(clock);
    await warmUp(gate);
    gate.leave(await gate.enter(live), failureOf({ status: 503, code: 'SlowDown' }));
    await clock.advance(1000);
    gate.leave(await gate.enter(live));
    assert.equal(await entersNow(gate), 4);
  });

  it('lets one request alone probe after each backoff while the store is down', async () => {
    const gate = gateWith(clock);
    let permit: Permit = await gate.enter(live);
    for (let failure = 1; failure <= 12; failure++) {
      gate.leave(permit, down);
      const waitMs = gate.waitMs;
      assert.ok(waitMs <= Math.min(300_000, 1000 * 2 ** (failure - 1)));
      if (waitMs > 1) {
        await clock.advance(waitMs - 1);
        assert.equal(await entersNow(gate), 0);
      }
      await clock.advance(1);
      permit = await gate.enter(live);
      assert.equal(await entersNow(gate), 0);
    }
  });

  it('counts requests that failed together as one failure', async () => {
    const gate = gateWith(clock);
    await warmUp(gate);
    const permits = await Promise.all(Array.from({ length: 8 }, () => gate.enter(live)));
    for (const permit of permits) gate.leave(permit, down);
    assert.ok(gate.waitMs <= 1000);
  });

  it('spreads the first attempt after a start over the window', () => {
    const waits = Array.from(
      { length: 500 },
      (_, seed) => gateWith(clock, { spreadMs: 60_000, seed }).waitMs,
    );
    assert.ok(Math.max(...waits) > 55_000 && Math.min(...waits) < 5000);
    const early = waits.filter((wait) => wait < 30_000).length;
    assert.ok(early > 200 && early < 300, `${early} of 500 in the first half`);
  });

  it('rejects those who wait when they are aborted', async () => {
    const gate = gateWith(clock);
    gate.leave(await gate.enter(live), down);
    const stop = new AbortController();
    const waiting = gate.enter(stop.signal);
    stop.abort(new Error('closing'));
    await assert.rejects(waiting, /closing/);
    assert.equal(gate.inFlight, 0);
  });
});

describe('RateLimit', () => {
  it('holds the average within 5 % over a minute, whatever the sizes', async () => {
    const clock = new ManualClock();
    const rate = new RateLimit(100_000, clock);
    const random = new SeededRandom(3);
    let sent = 0;
    const stop = new AbortController();
    const send = async (): Promise<void> => {
      for (;;) {
        const bytes = Math.floor(random.fraction() * 60_000);
        await rate.take(bytes, stop.signal);
        sent += bytes;
      }
    };
    const sender = send();
    await clock.advance(60_000);
    stop.abort(new Error('enough'));
    await assert.rejects(sender, /enough/);
    assert.ok(Math.abs(sent - 6_000_000) < 0.05 * 6_000_000, `${sent} bytes`);
  });

  it('lets everything pass without a cap', async () => {
    await new RateLimit(undefined, new ManualClock()).take(1e12, live);
  });
});

describe('SegmentQueue', () => {
  const take = async (queue: SegmentQueue, times: number): Promise<string[]> => {
    const names: string[] = [];
    for (let index = 0; index < times; index++) names.push(await queue.take(live));
    return names;
  };

  it('gives the oldest or the newest first', async () => {
    for (const [order, wanted] of [
      ['oldest-first', ['1', '2', '3']],
      ['newest-first', ['3', '2', '1']],
    ] as const) {
      const queue = new SegmentQueue(order, new ManualClock());
      queue.replace(order === 'oldest-first' ? ['1', '2'] : ['2', '1']);
      queue.add('3');
      queue.add('3');
      assert.deepEqual(await take(queue, 3), wanted);
    }
  });

  it('lets others pass a segment that failed, and comes back to it', async () => {
    const clock = new ManualClock();
    const queue = new SegmentQueue('oldest-first', clock);
    queue.replace(['1', '2']);
    queue.release(await queue.take(live), 5000);
    assert.deepEqual(await take(queue, 1), ['2']);
    const again: string[] = [];
    void queue.take(live).then((name) => again.push(name));
    await clock.advance(4999);
    assert.deepEqual(again, []);
    await clock.advance(1);
    assert.deepEqual(again, ['1']);
  });

  it('gives a segment to one taker only, even when a scan lists it meanwhile', async () => {
    const queue = new SegmentQueue('oldest-first', new ManualClock());
    queue.replace(['1']);
    await queue.take(live);
    queue.replace(['1', '2']);
    queue.add('1');
    assert.deepEqual(await take(queue, 1), ['2']);
    assert.equal(queue.size, 2);
  });

  it('does not take a segment again that was finished while a scan listed it', async () => {
    const queue = new SegmentQueue('oldest-first', new ManualClock());
    queue.replace(['1', '2']);
    queue.beginScan();
    queue.finish(await queue.take(live));
    queue.replace(['1', '2']);
    assert.equal(queue.size, 1);
    assert.deepEqual(await take(queue, 1), ['2']);
  });

  it('forgets what a scan no longer lists', () => {
    const queue = new SegmentQueue('oldest-first', new ManualClock());
    queue.replace(['1', '2']);
    queue.replace(['2']);
    assert.equal(queue.size, 1);
  });
});
