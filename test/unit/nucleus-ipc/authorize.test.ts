import assert from 'node:assert/strict';
import { PROFILES, type Profile } from '../../../src/local/nucleus/api/mod.js';
import { isAllowed, matchesResource } from '../../../src/local/nucleus/ipc/authorize.js';

type Row = readonly [pattern: string, matches: readonly string[], others: readonly string[]];

const onBoth: readonly Row[] = [
  ['*', ['a', 'a/b/c', '+', '#', '$aws/x', ''], []],
  ['abc', ['abc'], ['ab', 'abcd', 'ABC', 'a/abc', '']],
  ['a/*', ['a/', 'a/b', 'a/b/c', 'a/+', 'a/#'], ['a', 'b/a/']],
  ['*/c', ['/c', 'a/c', 'a/b/c'], ['c', 'a/c/']],
  ['a/*/c', ['a//c', 'a/b/c', 'a/1/2/c'], ['a/c', 'a/b/c/']],
  ['a*b*c', ['abc', 'a/x/b/y/c', 'abbbc', 'abcbc'], ['ab', 'acb', 'abcd']],
  ['**', ['', 'a/b'], []],
  ['a.b', ['a.b'], ['axb']],
  ['a(b)|[c]', ['a(b)|[c]'], ['ab', 'c']],
  ['a/${*}', ['a/*'], ['a/b', 'a/${*}']],
  ['a/${$}b', ['a/$b'], ['a/b']],
  ['$aws/things/*', ['$aws/things/t/shadow'], ['aws/things/t']],
  ['a/+', ['a/+'], ['a/b', 'a/']],
  ['a/#', ['a/#'], ['a/b', 'a', 'a/']],
  ['#', ['#'], ['a']],
  ['a?c', [], ['abc']],
  ['a/${x}', [], ['a/x', 'a/${x}']],
  ['a/${*', [], ['a/*', 'a/${*']],
];

const mqttOnBoth: readonly Row[] = [
  ['a/+/c', ['a/b/c', 'a//c', 'a/+/c'], ['a/b/x/c', 'a/c', 'a/b/c/d']],
  ['a/+', ['a/b', 'a/'], ['a/b/c', 'a', 'b/b']],
  ['+/b', ['a/b', '/b'], ['a/x/b', 'a/bc']],
  ['+', ['a', '+'], ['a/b']],
  ['a/#', ['a/b', 'a/b/c', 'a/', 'a/#'], ['b/a', 'ab/c']],
  ['#', ['a', 'a/b', '$aws/x'], []],
  ['a/*/c', ['a/b/c', 'a/1/2/c'], ['a/b/d']],
  ['$aws/things/t/shadow/#', ['$aws/things/t/shadow/name/n/update'], ['$aws/things/u/shadow/update']],
];

const mqttOnNucleus: readonly Row[] = [
  ['a/#', ['a'], []],
  ['a/*xy/#', ['a/12xy', 'a/12xy/3'], ['a/12x']],
  ['a/x#', ['a/x#'], ['a/x', 'a/xy']],
  ['a/x+', ['a/x+'], ['a/xy']],
  ['a/#/c', ['a/#/c'], ['a/b/c']],
  ['+/#', ['a', 'a/b/c'], []],
];

const mqttOnLite: readonly Row[] = [
  ['a/#', [], ['a']],
  ['a/x#', ['a/x', 'a/xy/z'], ['a/y']],
  ['a/x+', ['a/x', 'a/xyz'], ['a/x/y']],
];

function check(profile: Profile, style: 'standard' | 'mqtt', rows: readonly Row[]): void {
  for (const [pattern, matches, others] of rows) {
    for (const resource of matches) {
      it(`${pattern} covers ${JSON.stringify(resource)}`, () => {
        assert.equal(matchesResource(profile, style, pattern, resource), true);
      });
    }
    for (const resource of others) {
      it(`${pattern} does not cover ${JSON.stringify(resource)}`, () => {
        assert.equal(matchesResource(profile, style, pattern, resource), false);
      });
    }
  }
}

for (const profile of PROFILES) {
  describe(`matchesResource() in pubsub, ${profile}`, () => check(profile, 'standard', onBoth));
  describe(`matchesResource() in mqttproxy, ${profile}`, () => {
    check(profile, 'mqtt', [...mqttOnBoth, ...(profile === 'nucleus' ? mqttOnNucleus : mqttOnLite)]);
  });

  describe(`isAllowed(), ${profile}`, () => {
    const action = {
      service: 'aws.greengrass.ipc.pubsub',
      operation: 'aws.greengrass#PublishToTopic',
      resource: 'a/b',
    } as const;
    const policy = (operations: unknown, resources: unknown, service: string = action.service): never =>
      ({ [service]: { one: { policyDescription: 'x', operations, resources } } }) as never;

    it('allows what a policy names, by operation or by *', () => {
      assert.ok(isAllowed(profile, policy(['aws.greengrass#PublishToTopic'], ['a/b']), action));
      assert.ok(isAllowed(profile, policy(['*'], ['x', 'a/*']), action));
    });

    it('refuses other operations, resources and services', () => {
      assert.ok(!isAllowed(profile, policy(['aws.greengrass#SubscribeToTopic'], ['*']), action));
      assert.ok(!isAllowed(profile, policy(['aws.greengrass#*'], ['*']), action));
      assert.ok(!isAllowed(profile, policy(['*'], ['a']), action));
      assert.ok(!isAllowed(profile, policy(['*'], []), action));
      assert.ok(!isAllowed(profile, policy(['*'], ['*'], 'aws.greengrass.ipc.mqttproxy'), action));
    });

    it('allows nothing by a malformed accessControl', () => {
      const malformed = [
        undefined,
        null,
        'x',
        [],
        {},
        { [action.service]: 'x' },
        { [action.service]: { one: 5 } },
      ];
      for (const value of malformed) assert.ok(!isAllowed(profile, value as never, action));
      assert.ok(!isAllowed(profile, policy('*', '*'), action));
      assert.ok(!isAllowed(profile, policy(['*'], [5]), action));
    });

    it('one of several policies is enough', () => {
      const two = {
        [action.service]: {
          one: { operations: ['*'], resources: ['x'] },
          two: { operations: ['*'], resources: ['a/b'] },
        },
      };
      assert.ok(isAllowed(profile, two, action));
    });

    it(
      profile === 'lite' ? 'a topic with ? can not be used' : 'a topic with ? needs ${?} in the policy',
      () => {
        const asked = { ...action, resource: 'a?b' };
        assert.equal(isAllowed(profile, policy(['*'], ['a${?}b']), asked), profile === 'nucleus');
        assert.ok(!isAllowed(profile, policy(['*'], ['a?b']), asked));
      },
    );
  });
}
