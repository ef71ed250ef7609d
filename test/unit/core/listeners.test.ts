import assert from 'node:assert/strict';
import { Listeners } from '../../../src/core/mod.js';

describe('Listeners', () => {
  it('tells all in the order in which they came', () => {
    const listeners = new Listeners<[name: string, count: number]>();
    const told: string[] = [];
    listeners.add((name, count) => told.push(`first ${name} ${count}`));
    listeners.add((name) => told.push(`second ${name}`));
    listeners.tell('x', 1);
    assert.deepEqual(told, ['first x 1', 'second x']);
  });

  it('ends one listening only, also of a function that listens twice', () => {
    const listeners = new Listeners<[]>();
    let heard = 0;
    const listener = (): void => void heard++;
    const end = listeners.add(listener);
    listeners.add(listener);
    end();
    end();
    listeners.tell();
    assert.equal(heard, 1);
    assert.equal(listeners.size, 1);
  });

  it('tells who was there when it began and has not stopped since', () => {
    const listeners = new Listeners<[]>();
    const told: string[] = [];
    listeners.add(() => {
      told.push('first');
      endSecond();
      listeners.add(() => told.push('late'));
    });
    const endSecond = listeners.add(() => told.push('second'));
    listeners.add(() => told.push('third'));
    listeners.tell();
    assert.deepEqual(told, ['first', 'third']);
  });

  it('tells the others where one throws, and then throws its error', () => {
    const listeners = new Listeners<[]>();
    const told: string[] = [];
    listeners.add(() => {
      throw new Error('first');
    });
    listeners.add(() => told.push('second'));
    assert.throws(() => listeners.tell(), /first/);
    assert.deepEqual(told, ['second']);
  });

  it('forgets all where it is cleared', () => {
    const listeners = new Listeners<[]>();
    listeners.add(() => assert.fail('told'));
    listeners.clear();
    listeners.tell();
    assert.equal(listeners.size, 0);
  });
});
