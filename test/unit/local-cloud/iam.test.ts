import assert from 'node:assert/strict';
import { evaluate, parsePolicy, type Need } from '../../../src/local/cloud/mod.js';

const THING = 'iot:connection.thing.thingname';
const OBJECT = 'arn:aws:s3:::captures/hall-3/ovens/record';

function policy(...statements: object[]): ReturnType<typeof parsePolicy> {
  return parsePolicy({ Version: '2012-10-17', Statement: statements });
}

function decide(statements: readonly object[], need: Partial<Need> = {}): string {
  return evaluate([policy(...statements)], { action: 's3:PutObject', resource: OBJECT, ...need });
}

const allow = (element: object): object => ({ Effect: 'Allow', Action: 's3:*', Resource: '*', ...element });
const when = (operator: string, key: string, value: unknown): object =>
  allow({ Condition: { [operator]: { [key]: value } } });

/** Statement, what is needed beside a put of an object, and what comes of it. */
const CASES: readonly (readonly [string, readonly object[], Partial<Need>, string])[] = [
  ['nothing said', [allow({ Action: 's3:GetObject' })], {}, 'no statement'],
  ['action, whatever its case', [allow({ Action: 'S3:putobject' })], {}, 'allowed'],
  ['action by ?', [allow({ Action: 's3:?utObject' })], {}, 'allowed'],
  ['NotAction', [{ Effect: 'Allow', NotAction: 's3:Get*', Resource: '*' }], {}, 'allowed'],
  ['NotAction that names it', [{ Effect: 'Allow', NotAction: 's3:Put*', Resource: '*' }], {}, 'no statement'],
  ['resource by *', [allow({ Resource: 'arn:aws:s3:::captures/*' })], {}, 'allowed'],
  ['resource in another case', [allow({ Resource: 'arn:aws:s3:::Captures/*' })], {}, 'no statement'],
  [
    'a * does not reach over the colons of an ARN',
    [allow({ Resource: 'arn:*:captures/*' })],
    {},
    'no statement',
  ],
  ['another partition', [allow({ Resource: 'arn:aws-cn:s3:::captures/*' })], {}, 'no statement'],
  ['NotResource', [{ Effect: 'Allow', Action: '*', NotResource: 'arn:aws:s3:::other/*' }], {}, 'allowed'],
  ['NotResource that names it', [{ Effect: 'Allow', Action: '*', NotResource: OBJECT }], {}, 'no statement'],
  [
    'an explicit deny wins',
    [allow({}), { Effect: 'Deny', Action: 's3:PutObject', Resource: 'arn:aws:s3:::captures/hall-3/*' }],
    {},
    'explicit deny',
  ],
  [
    'a deny of something else',
    [allow({}), { Effect: 'Deny', Action: 's3:Get*', Resource: '*' }],
    {},
    'allowed',
  ],
  [
    'a variable',
    [
      allow({
        Action: 'iot:Publish',
        Resource: 'arn:aws:iot:r:1:topic/$aws/things/${iot:Connection.Thing.ThingName}/x',
      }),
    ],
    {
      action: 'iot:Publish',
      resource: 'arn:aws:iot:r:1:topic/$aws/things/oven-1/x',
      context: { [THING]: 'oven-1' },
    },
    'allowed',
  ],
  [
    'a variable of another device',
    [allow({ Action: 'iot:Publish', Resource: 'arn:aws:iot:r:1:topic/${iot:Connection.Thing.ThingName}' })],
    { action: 'iot:Publish', resource: 'arn:aws:iot:r:1:topic/oven-2', context: { [THING]: 'oven-1' } },
    'no statement',
  ],
  [
    'a variable without a value',
    [allow({ Resource: 'arn:aws:s3:::captures/${aws:username}*' })],
    {},
    'no statement',
  ],
  [
    'what a variable brings stands for itself',
    [allow({ Resource: 'arn:aws:s3:::captures/${aws:username}' })],
    { context: { 'aws:username': '*' } },
    'no statement',
  ],
  [
    'signs that stand for themselves',
    [allow({ Resource: 'arn:aws:s3:::captures/${*}' })],
    {},
    'no statement',
  ],
  [
    'signs that stand for themselves, met',
    [allow({ Resource: 'arn:aws:s3:::captures/a${*}b${?}${$}{x}' })],
    { resource: 'arn:aws:s3:::captures/a*b?${x}' },
    'allowed',
  ],
  ['StringEquals', [when('StringEquals', 'K', ['a', 'b'])], { context: { k: 'b' } }, 'allowed'],
  ['StringEquals, not met', [when('StringEquals', 'k', 'a*')], { context: { k: 'ab' } }, 'no statement'],
  ['StringEquals without the key', [when('StringEquals', 'k', 'a')], {}, 'no statement'],
  ['StringNotEquals without the key', [when('StringNotEquals', 'k', 'a')], {}, 'allowed'],
  [
    'StringNotEquals of several',
    [when('StringNotEquals', 'k', ['a', 'b'])],
    { context: { k: 'b' } },
    'no statement',
  ],
  [
    'StringEqualsIgnoreCase',
    [when('StringEqualsIgnoreCase', 'k', 'AB')],
    { context: { k: 'aB' } },
    'allowed',
  ],
  ['StringLike', [when('StringLike', 'k', 'a*')], { context: { k: 'ab' } }, 'allowed'],
  ['StringNotLike', [when('StringNotLike', 'k', 'a*')], { context: { k: 'ab' } }, 'no statement'],
  [
    'ArnLike',
    [when('ArnLike', 'k', 'arn:aws:iot:*:*:thing/a*')],
    { context: { k: 'arn:aws:iot:r:1:thing/ab' } },
    'allowed',
  ],
  ['Bool', [when('Bool', 'k', true)], { context: { k: 'true' } }, 'allowed'],
  ['Bool, not met', [when('Bool', 'k', 'false')], { context: { k: 'true' } }, 'no statement'],
  ['Null of an absent key', [when('Null', 'k', true)], {}, 'allowed'],
  ['Null of a key that is there', [when('Null', 'k', 'true')], { context: { k: 'a' } }, 'no statement'],
  ['IfExists without the key', [when('StringEqualsIfExists', 'k', 'a')], {}, 'allowed'],
  [
    'IfExists with another value',
    [when('StringEqualsIfExists', 'k', 'a')],
    { context: { k: 'b' } },
    'no statement',
  ],
  ['ForAnyValue', [when('ForAnyValue:StringEquals', 'k', 'a')], { context: { k: ['b', 'a'] } }, 'allowed'],
  ['ForAnyValue without the key', [when('ForAnyValue:StringEquals', 'k', 'a')], {}, 'no statement'],
  [
    'ForAllValues',
    [when('ForAllValues:StringEquals', 'k', 'a')],
    { context: { k: ['b', 'a'] } },
    'no statement',
  ],
  [
    'all conditions must be met',
    [allow({ Condition: { StringEquals: { k: 'a', l: 'b' }, Bool: { m: 'true' } } })],
    { context: { k: 'a', l: 'b' } },
    'no statement',
  ],
];

describe('evaluate', () => {
  for (const [what, statements, need, wanted] of CASES)
    it(`${what}: ${wanted}`, () => assert.equal(decide(statements, need), wanted));
});

describe('parsePolicy', () => {
  for (const [what, document, field] of [
    ['an operator that nobody evaluates', policyText(when('NumericLessThan', 'k', '1')), 'NumericLessThan'],
    [
      'an operator of an unknown set',
      policyText(when('ForSomeValues:StringEquals', 'k', '1')),
      'ForSomeValues',
    ],
    ['a version without variables', { Version: '2008-10-17', Statement: [allow({})] }, 'Version'],
    ['a statement without an action', policyText({ Effect: 'Allow', Resource: '*' }), 'Action'],
    ['a statement with both', policyText({ ...allow({}), NotAction: 's3:*' }), 'Action'],
    ['a statement without a resource', policyText({ Effect: 'Allow', Action: '*' }), 'Resource'],
    [
      'a principal in a policy of an identity',
      policyText(allow({ Principal: { Service: 'a' } })),
      'Principal',
    ],
    ['an element that it does not know', policyText(allow({ Actions: 's3:*' })), 'Actions'],
    ['no statement', { Version: '2012-10-17', Statement: [] }, 'Statement'],
  ] as const) {
    it(`refuses ${what}, and names it`, () => {
      assert.throws(
        () => parsePolicy(document),
        (error: unknown) => error instanceof Error && error.message.includes(field),
      );
    });
  }
});

function policyText(statement: object): object {
  return { Version: '2012-10-17', Statement: [statement] };
}
