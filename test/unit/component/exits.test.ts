import assert from 'node:assert/strict';
import { Exits } from '../../../src/component/launcher/exits.js';
import { ManualClock } from '../../../src/core/mod.js';
import { memoryFiles, type DurableFiles } from '../../../src/disk/mod.js';

const HOUR = 3_600_000;

describe('ends of a component by its own will', () => {
  it('are one an hour over all its starts, so that no nucleus gives it up at the third', async () => {
    const clock = new ManualClock();
    const files = memoryFiles();
    const ends: number[] = [];
    for (let minute = 0; minute < 300; minute++) {
      if (await new Exits({ file: '/work/last-exit', files, clock }).mayEnd()) ends.push(minute);
      await clock.advance(60_000);
    }
    assert.deepEqual(ends, [0, 60, 120, 180, 240]);
  });

  it('are let through where the clock was set back, the note is damaged, or the disk takes none', async () => {
    const clock = new ManualClock(10 * HOUR);
    const files = memoryFiles();
    const options = { file: '/work/last-exit', files, clock };
    assert.ok(await new Exits(options).mayEnd());
    assert.ok(await new Exits({ ...options, clock: { wallMs: () => 5 * HOUR } }).mayEnd());
    await files.write(options.file, Buffer.from('garbage'));
    assert.ok(await new Exits(options).mayEnd());
    const sick: Pick<DurableFiles, 'read' | 'write'> = {
      read: () => Promise.reject(new Error('EIO')),
      write: () => Promise.reject(new Error('ENOSPC')),
    };
    assert.ok(await new Exits({ ...options, files: sick }).mayEnd());
  });
});
