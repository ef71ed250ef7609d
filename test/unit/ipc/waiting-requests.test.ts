import assert from 'node:assert/strict';
import { AGENT_RETURNED_ID, topics, type RequestEnvelope } from '../../../src/contract/mod.js';
import { type EdgeError, ManualClock, SeededRandom, silentLogger } from '../../../src/core/mod.js';
import { createRequester, decodeRequest, encodeMessage, MemoryBroker } from '../../../src/ipc/mod.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** An app and an agent that hears, and answers only when the test says so. The app's clock stands still. */
async function setUp() {
  const clock = new ManualClock();
  const broker = new MemoryBroker();
  const agent = broker.connect();
  const app = broker.connect();
  const heard: RequestEnvelope[] = [];
  await agent.subscribe(topics.captureStatus, ({ payload }) => void heard.push(decodeRequest(payload)));
  const requester = await createRequester({
    transport: app,
    component: 'com.example.App',
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
  });
  const ask = (captureId = 'one', timeoutMs = 10_000) =>
    requester.request('captureStatus', { captureId }, { timeoutMs });
  const idOf = ({ body }: RequestEnvelope): unknown => ({ captureId: '', ...body }).captureId;
  const answer = async (request: RequestEnvelope): Promise<void> => {
    const { id, replyTo } = request;
    const status = { captureId: idOf(request), status: 'NOT_FOUND', state: 'UNKNOWN' };
    await agent.publish(replyTo, encodeMessage({ v: 1, id, ok: true, body: status }));
  };
  const returned = encodeMessage({ v: 1, id: AGENT_RETURNED_ID, ok: true, body: {} });
  const tellReturn = async (): Promise<void> => {
    await agent.publish(requester.replyTo, returned);
    await turn();
  };
  const asked = (): unknown[] => heard.map(idOf);
  return { clock, app, heard, requester, ask, answer, tellReturn, asked };
}

async function codeOf(asking: Promise<unknown>): Promise<string> {
  return await asking.then(
    () => 'answered',
    (error: EdgeError) => `${error.reason}: ${error.message}`,
  );
}

describe('a request that has no answer yet', () => {
  it('is sent again as soon as the agent says that it is back, with the same id, before any time has passed', async () => {
    const { ask, heard, tellReturn, answer } = await setUp();
    const asking = ask();
    await turn();
    await tellReturn();
    assert.deepEqual(
      heard.map(({ id }) => id),
      [heard[0]?.id, heard[0]?.id],
    );
    await answer(heard[1] as RequestEnvelope);
    assert.equal((await asking).state, 'UNKNOWN');
    await tellReturn();
    assert.equal(heard.length, 2, 'what was answered is over');
  });

  it('begins anew with its own pauses then', async () => {
    const { ask, heard, tellReturn, clock } = await setUp();
    const asking = codeOf(ask());
    await clock.advance(3000);
    assert.equal(heard.length, 3, 'after one second, and two more');
    await tellReturn();
    await clock.advance(1000);
    assert.equal(heard.length, 5);
    await clock.advance(6000);
    assert.match(
      await asking,
      /^NO_REPLY: Cannot wait any longer for the reply to 'captureStatus': 10000 ms/,
    );
  });

  it('is sent again in its time by an agent that never says so', async () => {
    const { ask, heard, clock, answer } = await setUp();
    const asking = ask();
    await clock.advance(1000);
    assert.equal(heard.length, 2);
    await answer(heard[1] as RequestEnvelope);
    assert.equal((await asking).status, 'NOT_FOUND');
  });
});

describe('while the connection is away a request', () => {
  it('waits for it, and goes out in its turn when it is back', async () => {
    const { ask, app, asked, heard, answer, clock } = await setUp();
    const before = ask('before');
    await turn();
    app.setConnected(false);
    const after = ['first', 'second', 'third'].map((captureId) => ask(captureId));
    await clock.advance(4000);
    assert.deepEqual(asked(), ['before'], 'nothing is tried meanwhile');
    app.setConnected(true);
    await turn();
    assert.deepEqual(asked(), ['before', 'before', 'first', 'second', 'third']);
    assert.equal(heard[0]?.id, heard[1]?.id);
    assert.equal(heard[2]?.timeoutMs, 6000, 'what remains of its time');
    for (const request of heard.slice(1)) await answer(request);
    assert.equal((await Promise.all([before, ...after])).length, 4);
  });

  it('fails at its deadline only, and says what it waited for', async () => {
    const { ask, app, heard, clock } = await setUp();
    app.setConnected(false);
    const outcome = codeOf(ask('one', 500));
    await clock.advance(500);
    assert.equal(
      await outcome,
      "CONNECTION_LOST: Cannot wait any longer for the connection to Greengrass to come back for 'captureStatus': 500 ms have passed",
    );
    app.setConnected(true);
    await turn();
    assert.equal(heard.length, 0, 'nobody wants the answer any more');
  });

  it('ends with its signal', async () => {
    const { app, requester } = await setUp();
    app.setConnected(false);
    const stop = new AbortController();
    const asking = requester.request('list', {}, { timeoutMs: 1000, signal: stop.signal });
    stop.abort(new Error('enough'));
    await assert.rejects(asking, { message: 'enough' });
  });

  it('is refused where 1024 wait already, with a hint when to try again', async () => {
    const { ask, app, asked, clock } = await setUp();
    app.setConnected(false);
    const waiting = Array.from({ length: 1024 }, (_, number) => codeOf(ask(`c${number}`)));
    await assert.rejects(ask('more'), {
      reason: 'REQUESTS_UNDER_WAY',
      retryAfterMs: 1000,
      message: 'Cannot take the request as 1024 wait for the connection to Greengrass: at most 1024 may',
    });
    app.setConnected(true);
    await turn();
    assert.deepEqual(
      asked(),
      Array.from({ length: 1024 }, (_, number) => `c${number}`),
    );
    await clock.advance(10_000);
    await Promise.all(waiting);
  });

  it('fails at once where the client is closed, as every later one', async () => {
    const { ask, app, requester } = await setUp();
    const outcomes = [codeOf(ask())];
    app.setConnected(false);
    outcomes.push(codeOf(ask()), codeOf(ask()));
    await requester.close();
    outcomes.push(codeOf(ask()));
    for (const outcome of await Promise.all(outcomes)) assert.match(outcome, /^CLOSED: /);
  });
});
