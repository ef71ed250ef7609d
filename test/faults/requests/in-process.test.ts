import assert from 'node:assert/strict';
import fc from 'fast-check';
import { predictTopic, topics, type OperationName } from '../../../src/contract/mod.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { HostileAgent } from '../../lib/hostile-agent.js';
import {
  anyTopic,
  BODIES,
  bytesOf,
  changed,
  hostileShape,
  hostileText,
  hostileValue,
  operation,
  OPERATIONS,
  topicOf,
  type Envelope,
  type Hostile,
} from '../../lib/hostile-requests.js';

const CASES = longRun() ? 100_000 : 10_000;
/** Messages that are under way together. */
const BATCH = 25;
const BIG = Buffer.alloc(24 * 1024 * 1024, '[');
/** Often small enough for a file to be opened. */
const sizeOfFile = fc.oneof(
  { weight: 4, arbitrary: fc.nat({ max: 8 }) },
  { weight: 1, arbitrary: hostileValue },
);
const datatype = fc.constantFrom('FP32', 'INT64', 'UINT64', 'BYTES', 'BOOL', 'FP16', 'INT8', 'COMPLEX');

/** S3 of the promises: whatever arrives on whatever topic gets one structured error or none. */
describe('faults: hostile requests', () => {
  let agent: HostileAgent;
  let replyTo = '';
  let ids = 0;

  before(async () => {
    agent = await HostileAgent.create();
  });
  beforeEach(async () => {
    replyTo = agent.newReplyTo();
    await agent.attack([request('hello')]);
  });
  after(async () => {
    const lagMs = agent.lag.max / 1e6;
    reportFaultRow({
      row: 'S3',
      cycles: agent.sent,
      lost: 0,
      duplicated: 0,
      corrupt: 0,
      note: `in process: ${agent.answered} answered, loop lag p99 ${(agent.lag.percentile(99) / 1e6).toFixed(0)} ms, at most ${lagMs.toFixed(0)} ms`,
    });
    await agent[Symbol.asyncDispose]();
  });

  const envelope = (op: OperationName, body: unknown = BODIES[op]): Envelope & { id: string } => ({
    v: 1,
    id: `r${++ids}`,
    replyTo,
    timeoutMs: 5000,
    op,
    body: op === 'capture' && body === BODIES.capture ? { ...BODIES.capture, captureId: `c${ids}` } : body,
  });
  /** A request whose envelope is right: it must be answered, whatever its body. */
  const request = (op: OperationName, body?: unknown, topic = topicOf(op)): Hostile => {
    const made = envelope(op, body);
    const payload = bytesOf(made);
    return payload.byteLength > 7000 ? { topic, payload } : { topic, payload, answered: made.id };
  };
  const validBytes = (op: OperationName): Uint8Array => bytesOf(envelope(op));

  function hold(what: string, message: fc.Arbitrary<() => Hostile>): void {
    it(`S3: ${what}: ${CASES} of them`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(message, { minLength: BATCH, maxLength: BATCH }), async (messages) => {
          await agent.attack(messages.map((make) => make()));
        }),
        { numRuns: Math.ceil(CASES / BATCH), endOnFailure: false },
      );
      await agent.victimServed();
    });
  }

  hold(
    'any bytes',
    fc
      .tuple(anyTopic, fc.uint8Array({ maxLength: 600 }))
      .map(([topic, payload]) => () => ({ topic, payload })),
  );
  hold(
    'any text',
    fc.tuple(anyTopic, fc.string({ unit: 'binary', maxLength: 600 })).map(([topic, text]) => () => ({
      topic,
      payload: Buffer.from(text),
    })),
  );
  hold(
    'any JSON',
    fc.tuple(anyTopic, fc.json({ maxDepth: 6 })).map(([topic, text]) => () => ({
      topic,
      payload: Buffer.from(text),
    })),
  );
  hold(
    'brackets, up to as deep as a message is long, and deeper',
    fc
      .tuple(operation, fc.integer({ min: 1, max: 100_000 }), fc.constantFrom('[', '{"a":'))
      .map(([op, depth, open]) => () => {
        const nested = `${open.repeat(depth)}1${(open === '[' ? ']' : '}').repeat(depth)}`;
        const text = JSON.stringify(envelope(op, '@')).replace('"@"', nested);
        return { topic: topicOf(op), payload: Buffer.from(text) };
      }),
  );
  hold(
    'messages of any length up to 24 MiB',
    fc.tuple(operation, fc.double({ min: 8, max: 24.6, noNaN: true })).map(([op, power]) => () => {
      const head = validBytes(op);
      const payload = BIG.subarray(0, Math.min(BIG.length, Math.floor(2 ** power)));
      payload.set(head.subarray(0, payload.length));
      return { topic: topicOf(op), payload };
    }),
  );
  hold(
    'requests with some bits flipped',
    fc
      .tuple(operation, fc.array(fc.nat({ max: 8 * 400 }), { minLength: 1, maxLength: 4 }))
      .map(([op, flips]) => () => {
        const payload = Uint8Array.from(validBytes(op));
        for (const flip of flips) {
          const at = (flip >> 3) % payload.length;
          payload[at] = (payload[at] ?? 0) ^ (1 << (flip & 7));
        }
        return { topic: topicOf(op), payload };
      }),
  );
  hold(
    'requests cut anywhere, and doubled',
    fc.tuple(operation, fc.nat({ max: 400 }), fc.boolean()).map(([op, length, twice]) => () => {
      const whole = validBytes(op);
      const payload = twice
        ? Buffer.concat([whole, whole.subarray(length % whole.length)])
        : whole.subarray(0, length);
      return { topic: topicOf(op), payload };
    }),
  );
  hold(
    'requests with a hostile part anywhere',
    fc.tuple(operation, fc.nat(), hostileValue).map(([op, where, value]) => () => ({
      topic: topicOf(op),
      payload: bytesOf(changed(envelope(op), where, value)),
    })),
  );
  hold(
    'any body',
    fc.tuple(operation, fc.dictionary(fc.string(), hostileValue, { maxKeys: 8 })).map(
      ([op, body]) =>
        () =>
          request(op, body),
    ),
  );
  hold(
    'bodies with a hostile part anywhere',
    fc
      .tuple(operation, fc.array(fc.tuple(fc.nat(), hostileValue), { minLength: 1, maxLength: 3 }))
      .map(([op, changes]) => () => {
        const body = changes.reduce<unknown>(
          (part, [where, by]) => changed(part, where, by),
          envelope(op).body,
        );
        return request(op, body);
      }),
  );
  hold(
    'keys of prototypes in every place',
    fc
      .tuple(
        operation,
        fc.nat(),
        fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString'),
        hostileValue,
      )
      .map(([op, where, key, value]) => () => {
        const part: Record<string, unknown> = {};
        Object.defineProperty(part, key, { value, enumerable: true });
        return request(op, changed(envelope(op).body, where, part));
      }),
  );
  hold(
    'tensors of any shape',
    fc.tuple(hostileShape, datatype, fc.constantFrom('AAAAAA==', '', 'AA', '!', 'AAAA'.repeat(100))).map(
      ([shape, type, b64]) =>
        () =>
          request('predict', { inputs: [{ name: 'x', datatype: type, shape, b64 }] }),
    ),
  );
  hold(
    'tensors of any data',
    fc.tuple(datatype, fc.array(hostileValue, { maxLength: 6 }), fc.boolean()).map(
      ([type, data, fits]) =>
        () =>
          request('predict', {
            inputs: [{ name: 'x', datatype: type, shape: [fits ? data.length : 2], data }],
          }),
    ),
  );
  hold(
    'up to 200 tensors of any names, given and wanted',
    fc
      .tuple(fc.array(hostileText, { maxLength: 200 }), fc.array(hostileText, { maxLength: 80 }))
      .map(([names, outputs]) => () => {
        const inputs = names.map((name) => ({ name, datatype: 'BOOL', shape: [0], b64: '' }));
        return request('predict', { inputs, outputs });
      }),
  );
  hold(
    "regions of files, other apps' files among them",
    fc
      .tuple(
        fc.constantFrom(
          '',
          'own.bin',
          'secret.bin',
          '../secret.bin',
          '/etc/passwd',
          '..',
          'a/b',
          'x'.repeat(129),
        ),
        sizeOfFile,
        sizeOfFile,
        fc.constantFrom<OperationName>('predict', 'capture'),
      )
      .map(([name, offset, byteSize, op]) => () => {
        const file = { name: name || agent.victimFile, offset, byteSize };
        const given = [{ name: 'x', datatype: 'FP32', shape: [1], file }];
        const captured = { modelName: 'Model', captureId: `f${++ids}`, inputTensors: given };
        return request(op, op === 'predict' ? { inputs: given, outputFile: file } : captured);
      }),
  );
  hold(
    'other reply topics',
    fc
      .tuple(operation, fc.oneof(hostileText, fc.constantFrom(topics.load, topics.modelEvents)))
      .map(([op, other]) => () => ({
        topic: topicOf(op),
        payload: bytesOf({ ...envelope(op), replyTo: other }),
      })),
  );
  hold(
    'operations on the topics of others',
    fc.tuple(operation, fc.oneof(operation, hostileText)).map(([op, other]) => () => ({
      topic: topicOf(op),
      payload: bytesOf({ ...envelope(op), op: other }),
    })),
  );
  hold(
    'predictions of any model, version and label',
    fc
      .tuple(hostileText, hostileText, hostileText, fc.nat({ max: 3 }))
      .map(([model, version, label, which]) => () => {
        const inputs = BODIES.predict['inputs'];
        const selector = [{ version }, { label }, { version, label }, {}][which];
        const named = /[/+#]/.test(model) || model === '' ? 'nobody' : model;
        return request('predict', { inputs, ...selector }, predictTopic(which === 3 ? named : 'Model'));
      }),
  );
  hold(
    'packages at any path',
    fc
      .tuple(
        fc.oneof(
          hostileText,
          fc.constantFrom(
            '/',
            '/proc/self',
            '/proc/self/fd',
            '/dev',
            '/dev/null',
            '/etc/passwd',
            '.',
            '~',
            '/proc/1',
          ),
        ),
        fc.constantFrom<OperationName>('load', 'register'),
      )
      .map(([path, op]) => () => {
        const named = { name: 'Model2', path };
        return request(op, op === 'load' ? named : { component: 'com.example.Attacker', path });
      }),
  );
  hold(
    'cursors, capture ids and auxiliary data',
    fc
      .tuple(
        hostileText,
        hostileValue,
        fc.constantFrom<OperationName>('list', 'stats', 'captureStatus', 'capture'),
      )
      .map(([text, value, op]) => () => {
        const item = { name: text, encoding: 'BASE64', b64: value, contentType: text };
        const captured = { modelName: 'Model', captureId: `a${++ids}`, outputs: [item] };
        return request(op, op === 'capture' ? captured : { cursor: text, captureId: text });
      }),
  );

  it('S3: a repeated id gets the same answer, and no other client has it', async () => {
    for (const op of OPERATIONS) {
      const made = envelope(op);
      const payload = bytesOf(made);
      const answers: string[] = [];
      const end = agent.twins.broker.add({
        filter: replyTo,
        listener: (message) => answers.push(Buffer.from(message.payload).toString()),
      });
      await agent.attack([{ topic: topicOf(op), payload }]);
      await agent.attack([{ topic: topicOf(op), payload }]);
      await agent.attack([
        { topic: topicOf(op), payload: bytesOf({ ...made, replyTo: agent.newReplyTo() }) },
      ]);
      end();
      assert.equal(answers.length, 2, op);
      assert.equal(answers[0], answers[1], op);
    }
  });
});
