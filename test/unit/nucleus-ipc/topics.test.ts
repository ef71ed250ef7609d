import assert from 'node:assert/strict';
import { createIotBroker } from '../../../src/local/nucleus/ipc/mod.js';
import { isWildcardFilter, mqttMatcher, nucleusMatcher } from '../../../src/local/nucleus/ipc/topics.js';

type Row = readonly [filter: string, matches: readonly string[], others: readonly string[]];

const onBoth: readonly Row[] = [
  ['a/b', ['a/b'], ['a', 'a/b/c', 'A/b', '']],
  ['a/+', ['a/b'], ['a', 'a/b/c', 'b/b']],
  ['+/b', ['a/b', '/b'], ['b', 'a/c']],
  ['a/+/c', ['a/b/c', 'a//c'], ['a/c', 'a/b/d']],
  ['a/#', ['a/b', 'a/b/c'], ['b', 'ab/c']],
  ['#', ['a', 'a/b/c'], []],
  ['a+/b', ['a+/b'], ['aa/b']],
];
const tables: Record<string, [typeof mqttMatcher, readonly Row[]]> = {
  mqttMatcher: [
    mqttMatcher,
    [
      ...onBoth,
      ['a/#', ['a', 'a/'], []],
      ['a/+', ['a/'], []],
      ['a/b', [], ['a/b/']],
      ['#', [], ['$aws/x']],
      ['+/x', [], ['$aws/x']],
      ['$aws/#', ['$aws/x'], []],
    ],
  ],
  nucleusMatcher: [
    nucleusMatcher,
    [
      ...onBoth,
      ['a/#', [], ['a', 'a/']],
      ['a/+', [], ['a/']],
      ['a/b', ['a/b/'], []],
      ['a/b/', ['a/b'], []],
      ['#', ['$aws/x'], []],
      ['a/#/c', ['a/b/c'], ['a/b/x/c', 'a/c']],
    ],
  ],
};

for (const [name, [matcher, rows]] of Object.entries(tables)) {
  describe(`${name}()`, () => {
    for (const [filter, matches, others] of rows) {
      for (const topic of matches) {
        it(`${filter} matches ${JSON.stringify(topic)}`, () => assert.equal(matcher(filter)(topic), true));
      }
      for (const topic of others) {
        it(`${filter} does not match ${JSON.stringify(topic)}`, () =>
          assert.equal(matcher(filter)(topic), false));
      }
    }
  });
}

describe('isWildcardFilter()', () => {
  it('wants whole levels, and # at the end', () => {
    for (const filter of ['+', 'a/+', '+/a', 'a/+/b', '#', 'a/#'])
      assert.ok(isWildcardFilter(filter), filter);
    for (const filter of ['a', 'a+', 'a#', '#/a', 'a/#/b', 'a/+b'])
      assert.ok(!isWildcardFilter(filter), filter);
  });
});

describe('createIotBroker()', () => {
  it('delivers in order to those whose filter matches, keeps a log, and stops when a subscription ends', async () => {
    const broker = createIotBroker();
    const received: string[] = [];
    const end = broker.subscribe('a/+', (topic, payload) => {
      received.push(`${topic}=${Buffer.from(payload).toString()}`);
    });
    await broker.publish('a/b', Buffer.from('1'));
    await broker.publish('b', Buffer.from('2'));
    await broker.publish('a/c', Buffer.from('3'));
    end();
    end();
    await broker.publish('a/d', Buffer.from('4'));
    assert.deepEqual(received, ['a/b=1', 'a/c=3']);
    assert.deepEqual(
      broker.log.map(({ topic }) => topic),
      ['a/b', 'b', 'a/c', 'a/d'],
    );
  });
});
