import assert from 'node:assert/strict';
import { EdgeError, ManualClock } from '../../../src/core/mod.js';
import { CachedCredentials, type StoreCredentials } from '../../../src/upload/mod.js';

describe('CachedCredentials', () => {
  let clock: ManualClock;
  let calls: number;
  let fails: boolean;
  let lifeMs: number;
  let cached: CachedCredentials;
  beforeEach(() => {
    clock = new ManualClock();
    calls = 0;
    fails = false;
    lifeMs = 3_600_000;
    cached = new CachedCredentials(async (): Promise<StoreCredentials> => {
      calls++;
      if (fails) throw new Error('500 {"token":"SECRET"}');
      const expiration = new Date(clock.wallMs() + lifeMs);
      return { accessKeyId: `K${calls}`, secretAccessKey: 's', expiration };
    }, clock);
  });

  it('asks once for all who wait, and again 5 minutes before the end', async () => {
    await Promise.all([cached.get(), cached.get(), cached.get()]);
    await clock.advance(54 * 60_000);
    await cached.get();
    assert.equal(calls, 1);
    await clock.advance(2 * 60_000);
    assert.equal((await cached.get()).accessKeyId, 'K2');
  });

  it('asks once more for each set of keys that the store refused, however often it is told', async () => {
    const { accessKeyId } = await cached.get();
    for (let index = 0; index < 5; index++) cached.invalidate(accessKeyId);
    await Promise.all([cached.get(), cached.get()]);
    cached.invalidate(accessKeyId);
    await cached.get();
    assert.equal(calls, 2);
  });

  it('remembers an error for 120 s, and keeps what the service said out of its sentence', async () => {
    fails = true;
    await assert.rejects(
      cached.get(),
      (error) => error instanceof EdgeError && error.retryAfterMs === 120_000,
    );
    await clock.advance(119_000);
    await assert.rejects(
      cached.get(),
      (error) =>
        error instanceof EdgeError && error.retryAfterMs === 1000 && !error.message.includes('SECRET'),
    );
    assert.equal(calls, 1);
    fails = false;
    await clock.advance(1001);
    assert.equal((await cached.get()).accessKeyId, 'K2');
  });

  it('uses fresh keys although the clock of the device says that they ended long ago', async () => {
    lifeMs = -10 * 365 * 86_400_000;
    await cached.get();
    await clock.advance(30_000);
    await cached.get();
    assert.equal(calls, 1);
  });
});
