import assert from 'node:assert/strict';
import { watchAlive } from '../../../src/component/launcher/alive.js';
import { ManualClock } from '../../../src/core/mod.js';

const HOUR_MS = 3_600_000;

function watched() {
  const clock = new ManualClock();
  const silences: number[] = [];
  const watch = watchAlive(clock, (silentMs) => silences.push(silentMs));
  /** It speaks this often, for so long. */
  const speak = async (everyMs: number, forMs: number): Promise<void> => {
    for (let passedMs = 0; passedMs < forMs; passedMs += everyMs) {
      await clock.advance(everyMs);
      watch.heard();
    }
  };
  return { clock, silences, watch, speak };
}

describe('a launcher that listens to its worker', () => {
  it('ends one that is silent for 10 s, and soon after that', async () => {
    const { clock, silences, watch, speak } = watched();
    watch.heard();
    await speak(3000, 60_000);
    await clock.advance(9_900);
    assert.deepEqual(silences, []);
    await clock.advance(4000);
    assert.deepEqual(silences, [10_000]);
    await clock.advance(HOUR_MS);
    assert.deepEqual(silences, [10_000], 'once');
  });

  it('gives one that starts a minute', async () => {
    const { clock, silences } = watched();
    await clock.advance(59_000);
    assert.deepEqual(silences, []);
    await clock.advance(4000);
    assert.deepEqual(silences, [60_000]);
  });

  it('bears with one that speaks late', async () => {
    const { silences, watch, speak } = watched();
    watch.heard();
    await speak(9_500, HOUR_MS);
    assert.deepEqual(silences, []);
  });

  it('hears what was said while it was stopped itself', async () => {
    const { clock, silences, watch, speak } = watched();
    watch.heard();
    await clock.advance(11_000);
    watch.heard();
    await speak(3000, 60_000);
    assert.deepEqual(silences, []);
  });

  it('is woken by what it hears only, not by a timer for each word', async () => {
    const { clock, watch, speak } = watched();
    watch.heard();
    await speak(3000, HOUR_MS);
    assert.ok(clock.rung <= HOUR_MS / 5000, `${clock.rung} timers in an hour`);
  });

  it('is silent itself once it was closed', async () => {
    const { clock, silences, watch } = watched();
    watch.heard();
    watch.close();
    await clock.advance(HOUR_MS);
    assert.deepEqual(silences, []);
  });
});
