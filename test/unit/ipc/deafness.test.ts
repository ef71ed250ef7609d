import assert from 'node:assert/strict';
import { ManualClock, silentLogger, type Logger } from '../../../src/core/mod.js';
import { Deafness } from '../../../src/ipc/greengrass/deafness.js';

describe('a component that is deaf', () => {
  it('says so with level error after a minute, then less and less often, and no more when it hears again', async () => {
    const clock = new ManualClock();
    const said: unknown[] = [];
    const logger: Logger = {
      ...silentLogger,
      error: (_message, fields) => said.push(fields?.['deafSeconds']),
    };
    const deafness = new Deafness(clock, logger);
    deafness.begin();
    await clock.advance(59_000);
    assert.deepEqual(said, []);
    await clock.advance(24 * 3_600_000);
    assert.deepEqual(said.slice(0, 6), [60, 180, 420, 900, 1860, 3780]);
    assert.ok(said.length < 35, `${said.length} lines a day`);
    const lines = said.length;
    assert.equal(deafness.end(), 24 * 3600 + 59);
    await clock.advance(24 * 3_600_000);
    assert.equal(said.length, lines);
    deafness.begin();
    await clock.advance(60_000);
    assert.equal(said.at(-1), 60);
  });

  it('counts its seconds over all losses, short ones too', async () => {
    const clock = new ManualClock();
    const deafness = new Deafness(clock, silentLogger);
    for (let loss = 0; loss < 10; loss++) {
      deafness.begin();
      await clock.advance(300);
      deafness.end();
      await clock.advance(60_000);
    }
    assert.equal(deafness.totalSeconds, 3);
  });
});
