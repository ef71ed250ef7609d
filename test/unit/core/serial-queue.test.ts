import assert from 'node:assert/strict';
import fc from 'fast-check';
import { deferred, SerialQueue, SerialQueues } from '../../../src/core/mod.js';

describe('SerialQueue', () => {
  it('begins a task when all before it are over, in the order in which they came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { maxLength: 8 }), async (scheduler, fates) => {
        const queue = new SerialQueue();
        const told: string[] = [];
        const turns = fates.map(async (fails, index) => {
          await queue.run(async () => {
            told.push(`begin ${index}`);
            await scheduler.schedule(Promise.resolve());
            told.push(`end ${index}`);
            if (fails) throw new Error('no');
          });
        });
        await scheduler.waitFor(Promise.allSettled(turns));
        assert.deepEqual(
          told,
          fates.flatMap((_, index) => [`begin ${index}`, `end ${index}`]),
        );
      }),
    );
  });

  it('gives each caller its own result or failure', async () => {
    const queue = new SerialQueue();
    const failing = queue.run(() => {
      throw new Error('mine');
    });
    const next = queue.run(() => 7);
    await assert.rejects(failing, /mine/);
    assert.equal(await next, 7);
  });

  it('is busy until its last task is over, and idle never rejects', async () => {
    const queue = new SerialQueue();
    assert.equal(queue.isBusy, false);
    await queue.idle();
    const gate = deferred<void>();
    const failing = queue.run(async () => {
      await gate.promise;
      throw new Error('no');
    });
    assert.equal(queue.isBusy, true);
    gate.resolve();
    await queue.idle();
    await assert.rejects(failing);
    assert.equal(queue.isBusy, false);
  });
});

describe('SerialQueues', () => {
  it('lets one key wait for itself only', async () => {
    const queues = new SerialQueues();
    const gate = deferred<string>();
    const told: string[] = [];
    const held = queues.run('a', async () => told.push(await gate.promise));
    const behind = queues.run('a', () => told.push('behind'));
    await queues.run('b', () => told.push('b'));
    gate.resolve('held');
    await Promise.all([held, behind]);
    assert.deepEqual(told, ['b', 'held', 'behind']);
  });

  it('keeps nothing of a key whose tasks are over', async () => {
    const queues = new SerialQueues();
    const turns = ['a', 'b', 'a'].map((key) => queues.run(key, () => undefined));
    assert.equal(queues.size, 2);
    await Promise.all(turns);
    assert.equal(queues.size, 0);
  });

  it('never runs two tasks of one key at once, whenever they come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 12 }), async (scheduler, count) => {
        const queues = new SerialQueues();
        let running = 0;
        const turns = Array.from({ length: count }, async (_, index) => {
          await scheduler.schedule(Promise.resolve(), `arrive ${index}`);
          await queues.run('a', async () => {
            assert.equal(++running, 1);
            await scheduler.schedule(Promise.resolve(), `work ${index}`);
            running--;
          });
        });
        await scheduler.waitFor(Promise.all(turns));
        assert.equal(queues.size, 0);
      }),
    );
  });
});
