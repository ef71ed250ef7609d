import fc from 'fast-check';
import { predictTopic, topics, type OperationName } from '../../src/contract/mod.js';

/** One message that an app with every right could publish. */
export interface Hostile {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The id whose one reply must come; absent where the message may not be readable. */
  readonly answered?: string;
}

export interface Envelope {
  v: unknown;
  id: unknown;
  replyTo: unknown;
  timeoutMs: unknown;
  op: unknown;
  body: unknown;
}

type Body = Record<string, unknown>;
const tensor = { name: 'x', datatype: 'FP32', shape: [1], data: [1] };
/** Stands for JSON text that no JavaScript value gives, such as a number without end. */
const raw = (text: string): string => `@raw:${text}@`;

/** A body that the agent accepts, by operation. */
export const BODIES: Readonly<Record<OperationName, Body>> = {
  hello: { session: 'start-1' },
  list: {},
  describe: { name: 'Model' },
  stats: { model: 'Model' },
  load: { name: 'Model', pinned: false },
  unload: { name: 'Other' },
  predict: { inputs: [tensor], outputs: ['x'], capture: 'never' },
  capture: {
    modelName: 'Model',
    captureId: 'hostile',
    inferenceTimestamp: { seconds: 1_700_000_000, nanos: 5 },
    inputTensors: [tensor],
    inputs: [{ name: 'note', encoding: 'CSV', b64: 'YQ==' }],
  },
  captureStatus: { captureId: 'victim-capture' },
  register: { component: 'org.edgemanager.model.Nowhere', path: '/nonexistent/artifacts' },
};
export const OPERATIONS = Object.keys(BODIES) as OperationName[];

const TOPICS: Readonly<Record<OperationName, string>> = {
  hello: topics.hello,
  list: topics.list,
  describe: topics.describe,
  stats: topics.stats,
  load: topics.load,
  unload: topics.unload,
  predict: predictTopic('Model'),
  capture: topics.captureSubmit,
  captureStatus: topics.captureStatus,
  register: topics.register,
};

export const operation = fc.constantFrom(...OPERATIONS);
export const topicOf = (op: OperationName): string => TOPICS[op];
export const anyTopic = operation.map(topicOf);

export const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(
    '',
    '__proto__',
    'constructor',
    'hasOwnProperty',
    '../../etc/passwd',
    '/proc/self/environ',
    'a\u0000b',
    '\ud800',
    '%2e%2e%2f',
    '${7*7}',
    '#',
    '+',
    'edgemanager/v1/#',
    'Model@1.0.0',
    '\u202enoitcnuf',
    'x'.repeat(257),
    'x'.repeat(5000),
    '[1,2',
  ),
);
const hostileNumber = fc.constantFrom(
  ...[-1, 0.5, -0, 2 ** 31, 2 ** 53, 2 ** 62, -(2 ** 62), 1e308].map((value): unknown => value),
  raw('4611686018427387904'),
  raw('-9223372036854775809'),
  raw('1e999'),
  raw('0.1e-400'),
);
const withPrototype = fc.constantFrom(
  ...[
    '{"__proto__":{"polluted":true}}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    '{"__proto__":null,"toString":1,"valueOf":{}}',
  ].map((text): unknown => raw(text)),
);
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: hostileText },
  { weight: 2, arbitrary: hostileNumber },
  { weight: 1, arbitrary: withPrototype },
  { weight: 1, arbitrary: fc.constantFrom(null, true, false, [], {}, [[]], [null]) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
);

/** Shapes from the absurd to the nearly right. */
export const hostileShape = fc.array(
  fc.oneof(
    fc.integer({ min: -2, max: 9 }),
    fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 53, 2 ** 62, -(2 ** 62), 0.5, 1e308),
    hostileNumber,
  ),
  { maxLength: 12 },
);

/** JSON bytes; marked text stands as it is. Lone surrogates become bytes that are no UTF-8 now and then. */
export function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(
    JSON.stringify(value).replaceAll(/"@raw:(.*?)@"/g, (_whole, text: string) => unescape(text)),
  );
}

function unescape(text: string): string {
  return text.replaceAll('\\"', '"');
}

/** A value with one part, anywhere in it, replaced, removed or added. */
export function changed(value: unknown, where: number, by: unknown): unknown {
  const copy = structuredClone(value);
  const places: [Record<string, unknown>, string][] = [];
  const walk = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    const fields = part as Record<string, unknown>;
    for (const key of Object.keys(fields)) {
      places.push([fields, key]);
      walk(fields[key]);
    }
    if (!Array.isArray(part)) places.push([fields, 'unheardOf']);
  };
  walk(copy);
  const place = places[where % Math.max(1, places.length)];
  if (place === undefined) return by;
  const [parent, key] = place;
  parent[key] = by;
  return copy;
}
