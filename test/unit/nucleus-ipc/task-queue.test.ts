import assert from 'node:assert/strict';
import { TaskQueue } from '../../../src/local/nucleus/ipc/task-queue.js';

describe('TaskQueue', () => {
  it('runs a task at once, and holds later ones back while one waits', async () => {
    const queue = new TaskQueue();
    const seen: string[] = [];
    let release: () => void = () => undefined;
    queue.run(() => void seen.push('first'));
    queue.run(
      () =>
        new Promise((resolve) => {
          seen.push('waits');
          release = resolve;
        }),
    );
    queue.run(() => void seen.push('later'));
    assert.deepEqual(seen, ['first', 'waits']);
    release();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(seen, ['first', 'waits', 'later']);
  });

  it('lets a task add others, which run after it', () => {
    const queue = new TaskQueue();
    const seen: string[] = [];
    queue.run(() => {
      queue.run(() => void seen.push('inner'));
      seen.push('outer');
    });
    assert.deepEqual(seen, ['outer', 'inner']);
  });

  it('goes on after a task that threw', () => {
    const queue = new TaskQueue();
    assert.throws(() =>
      queue.run(() => {
        throw new RangeError('broken');
      }),
    );
    let ran = false;
    queue.run(() => void (ran = true));
    assert.ok(ran);
  });
});
