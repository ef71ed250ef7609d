import assert from 'node:assert/strict';
import { deferred, ManualClock, within, type EdgeError } from '../../../src/core/mod.js';

const never = new Promise<never>(() => undefined);

async function whoeverWaits(clock: ManualClock, signals: AbortSignal[] = []): Promise<void> {
  await within(clock, 100, never, { signals });
}

describe('within', () => {
  it('gives what the work gives, and leaves no timer', async () => {
    const clock = new ManualClock();
    assert.equal(await within(clock, 100, Promise.resolve(7)), 7);
    await assert.rejects(within(clock, 100, Promise.reject(new Error('mine'))), /mine/);
    assert.equal(clock.waiting, 0);
  });

  it('throws where the limit has passed, with the stack of who waited', async () => {
    const clock = new ManualClock();
    const waiting = whoeverWaits(clock);
    const refused = assert.rejects(waiting, (error: EdgeError) => {
      assert.equal(error.code, 'DEADLINE_EXCEEDED');
      assert.match(error.message, /100 ms/);
      assert.match(error.stack ?? '', /whoeverWaits/);
      return true;
    });
    await clock.advance(99);
    await clock.advance(1);
    await refused;
  });

  it('throws the error of its caller, made only then', async () => {
    const clock = new ManualClock();
    let made = 0;
    const late = (): Error => new Error(`made ${++made}`);
    await within(clock, 100, Promise.resolve(), { late });
    assert.equal(made, 0);
    const refused = assert.rejects(within(clock, 100, never, { late }), /made 1/);
    await clock.advance(100);
    await refused;
  });

  it('ends with the reason of the signal that aborts, also of one that had aborted before', async () => {
    const clock = new ManualClock();
    const controllers = [new AbortController(), new AbortController()];
    const signals = controllers.map(({ signal }) => signal);
    const refused = assert.rejects(whoeverWaits(clock, signals), /enough/);
    controllers[1]?.abort(new Error('enough'));
    await refused;
    await assert.rejects(whoeverWaits(clock, signals), /enough/);
    assert.equal(clock.waiting, 0);
  });

  it('drops what the work does later, its failure included', async () => {
    const clock = new ManualClock();
    const work = deferred<void>();
    const refused = assert.rejects(within(clock, 100, work.promise), /100 ms/);
    await clock.advance(100);
    await refused;
    work.reject(new Error('too late'));
    await clock.advance(1);
  });
});
