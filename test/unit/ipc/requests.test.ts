import assert from 'node:assert/strict';
import { MAX_MESSAGE_BYTES, topics, type RequestEnvelope } from '../../../src/contract/mod.js';
import { createLogger, EdgeError, ManualClock, SeededRandom, silentLogger } from '../../../src/core/mod.js';
import {
  MemoryBroker,
  createRequester,
  createResponder,
  encodeMessage,
  type Handlers,
  type IncomingMessage,
  type MemoryGreengrass,
} from '../../../src/ipc/mod.js';

const hello = {
  agentVersion: '1.0.0',
  protocol: 1,
  thingName: 'thing',
  exchangeFolder: '/dev/shm/x',
  maxMessageBytes: MAX_MESSAGE_BYTES,
  startId: 's',
};

async function setUp(handlers: Handlers) {
  const clock = new ManualClock();
  const broker = new MemoryBroker();
  const agent = broker.connect();
  const app = broker.connect();
  const responder = await createResponder({ transport: agent, handlers, clock, logger: silentLogger });
  const requester = await createRequester({
    transport: app,
    component: 'com.example.App',
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
  });
  return { clock, broker, agent, app, responder, requester };
}

async function repliesOf(app: MemoryGreengrass, replyTo: string): Promise<string[]> {
  const replies: string[] = [];
  await app.subscribe(replyTo, (message: IncomingMessage) =>
    replies.push(Buffer.from(message.payload).toString()),
  );
  return replies;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const replyTo = `edgemanager/v1/reply/com.example.App/${'0'.repeat(32)}`;
const envelope = (over: Partial<RequestEnvelope> = {}): RequestEnvelope => ({
  v: 1,
  id: 'one',
  replyTo,
  timeoutMs: 1000,
  op: 'hello',
  body: {},
  ...over,
});

describe('requests over publish/subscribe', () => {
  it('gives the handler the body and the caller the reply', async () => {
    const { requester } = await setUp({
      hello: (body, context) => Promise.resolve({ ...hello, thingName: `${context.caller}:${body.uid}` }),
    });
    const reply = await requester.request('hello', { uid: 7 }, { timeoutMs: 1000 });
    assert.equal(reply.thingName, 'com.example.App:7');
  });

  it('carries an error with code, field and retry hint, and no cause', async () => {
    const { requester } = await setUp({
      hello: () =>
        Promise.reject(
          new EdgeError('RESOURCE_EXHAUSTED', 'Cannot take it', {
            field: 'x',
            retryAfterMs: 5,
            cause: new Error('secret'),
          }),
        ),
    });
    await assert.rejects(requester.request('hello', {}, { timeoutMs: 1000 }), (error: EdgeError) => {
      assert.deepEqual(
        [error.code, error.field, error.retryAfterMs, error.cause],
        ['RESOURCE_EXHAUSTED', 'x', 5, undefined],
      );
      return true;
    });
  });

  it('keeps what Node said of a failure of ours to itself', async () => {
    const { requester } = await setUp({
      hello: () => Promise.reject(new Error("ENOENT: no such file, open '/secret/path'")),
    });
    await assert.rejects(requester.request('hello', {}, { timeoutMs: 1000 }), (error: EdgeError) => {
      assert.equal(error.code, 'INTERNAL');
      assert.doesNotMatch(error.message, /ENOENT|secret/);
      return true;
    });
  });

  it('logs each answer with request id, caller, duration and code, as JSON', async () => {
    const lines: Record<string, unknown>[] = [];
    const clock = new ManualClock();
    const logger = createLogger(
      (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
      () => 0,
      'debug',
    );
    const broker = new MemoryBroker();
    await createResponder({
      transport: broker.connect(),
      handlers: { hello: () => clock.sleep(25).then(() => Promise.reject(new Error('broken'))) },
      clock,
      logger,
    });
    await broker.connect().publish(topics.hello, encodeMessage(envelope()));
    await turn();
    await clock.advance(25);
    await turn();
    const [failed, answered] = lines;
    assert.deepEqual(
      [failed?.['level'], failed?.['code'], failed?.['requestId']],
      ['error', 'INTERNAL', 'one'],
    );
    assert.deepEqual(
      [answered?.['message'], answered?.['op'], answered?.['caller'], answered?.['durationMs']],
      ['Answered', 'hello', 'com.example.App', 25],
    );
  });

  it('fails with DEADLINE_EXCEEDED when nobody answers', async () => {
    const { requester, clock } = await setUp({});
    const waiting = assert.rejects(
      requester.request('hello', {}, { timeoutMs: 300 }),
      (error: EdgeError) => error.code === 'DEADLINE_EXCEEDED',
    );
    await clock.advance(300);
    await waiting;
  });

  it('runs a repeated id once and answers it twice', async () => {
    const ran: string[] = [];
    const { app, responder } = await setUp({
      hello: (_body, context) => {
        ran.push(context.requestId);
        return Promise.resolve(hello);
      },
    });
    const replies = await repliesOf(app, replyTo);
    for (let time = 0; time < 2; time++) {
      await app.publish(topics.hello, encodeMessage(envelope()));
      await turn();
    }
    assert.equal(ran.length, 1);
    assert.equal(replies.length, 2);
    assert.equal(replies[0], replies[1]);
    assert.equal(responder.inFlight, 0);
  });

  it('remembers the answers of callers that speak, not of a thousand that came and went', async () => {
    const ran: string[] = [];
    const { app } = await setUp({
      hello: (_body, context) => {
        ran.push(context.client);
        return Promise.resolve(hello);
      },
    });
    const ask = async (caller: number): Promise<void> => {
      const nonce = caller.toString(16).padStart(32, '0');
      const from = `edgemanager/v1/reply/com.example.App/${nonce}`;
      await app.publish(topics.hello, encodeMessage(envelope({ replyTo: from })));
    };
    for (let caller = 1; caller <= 1000; caller++) {
      await ask(caller);
      if (caller % 100 === 0) await ask(1);
      await turn();
    }
    assert.equal(ran.length, 1000, 'the one that spoke all the time was remembered');
    await ask(2);
    await turn();
    assert.equal(ran.length, 1001, 'one that came and went was not');
  });

  for (const [what, payload] of [
    ['no JSON', Buffer.from(`{"id":"one","replyTo":"${replyTo}",`)],
    ['a wrong version', encodeMessage({ ...envelope(), v: 2 })],
    ['an operation of another topic', encodeMessage(envelope({ op: 'list' }))],
    ['a wrong body', encodeMessage(envelope({ body: { uid: -1 } }))],
    ['a depth bomb', Buffer.from(`{"id":"one","replyTo":"${replyTo}","body":${'['.repeat(1000)}`)],
    ['8 kB', Buffer.concat([encodeMessage(envelope()), Buffer.alloc(8000, 32)])],
  ] as const) {
    it(`answers ${what} with one INVALID_ARGUMENT`, async () => {
      const { app, broker } = await setUp({ hello: () => Promise.resolve(hello) });
      const replies = await repliesOf(app, replyTo);
      // Past the publisher's own bound: a foreign client on the Java nucleus can send this.
      broker.publish({ topic: topics.hello, payload, form: 'binary' });
      await turn();
      assert.equal(replies.length, 1);
      assert.match(replies[0] ?? '', /INVALID_ARGUMENT/);
    });
  }

  it('ignores a request whose reply topic is not one of ours', async () => {
    const { app } = await setUp({ hello: () => Promise.resolve(hello) });
    const foreign = await repliesOf(app, 'other/topic');
    await app.publish(topics.hello, encodeMessage(envelope({ replyTo: 'other/topic' })));
    await turn();
    assert.deepEqual(foreign, []);
  });

  it('answers with OUT_OF_RANGE where the reply would be longer than a message', async () => {
    const { requester } = await setUp({
      hello: () => Promise.resolve({ ...hello, thingName: 'x'.repeat(7000) }),
    });
    await assert.rejects(
      requester.request('hello', {}, { timeoutMs: 1000 }),
      (error: EdgeError) => error.code === 'OUT_OF_RANGE',
    );
  });
});
