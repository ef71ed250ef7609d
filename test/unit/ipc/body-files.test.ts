import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  MAX_BODY_BYTES,
  MAX_MESSAGE_BYTES,
  topics,
  type FileRegion,
  type ReplyEnvelope,
  type RequestEnvelope,
} from '../../../src/contract/mod.js';
import { deferred, EdgeError, ManualClock, SeededRandom, silentLogger } from '../../../src/core/mod.js';
import {
  createRequester,
  createResponder,
  encodeMessage,
  MemoryBroker,
  type BodyRoom,
  type FilePort,
  type Handlers,
} from '../../../src/ipc/mod.js';
import { bytesOf, hostileValue } from '../../lib/hostile-requests.js';

const replyTo = `edgemanager/v1/reply/com.example.App/${'0'.repeat(32)}`;
const region = (name: string, byteSize = 0): FileRegion => ({ name, offset: 0, byteSize });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const LONG = 'n'.repeat(MAX_MESSAGE_BYTES);

/** Files by caller and name, as an exchange folder has them. */
class MemoryFiles implements FilePort {
  readonly held = new Map<string, Uint8Array>();
  writes = 0;

  read({ caller }: { caller: string }, { name }: FileRegion, field: string): Promise<Uint8Array> {
    const bytes = this.held.get(`${caller}/${name}`);
    if (bytes !== undefined) return Promise.resolve(bytes);
    return Promise.reject(new EdgeError('EXCHANGE_FILE_REFUSED', `There is no file ${name}`, { field }));
  }

  write({ caller }: { caller: string }, to: FileRegion, bytes: Uint8Array): Promise<FileRegion> {
    this.writes++;
    this.held.set(`${caller}/${to.name}`, bytes);
    return Promise.resolve({ ...to, byteSize: bytes.byteLength });
  }
}

async function setUp(handlers: Handlers, given: { files?: FilePort } = {}) {
  const clock = new ManualClock();
  const broker = new MemoryBroker();
  const app = broker.connect();
  await createResponder({ transport: broker.connect(), handlers, clock, logger: silentLogger, ...given });
  const replies: ReplyEnvelope[] = [];
  await app.subscribe(replyTo, ({ payload }) =>
    replies.push(JSON.parse(Buffer.from(payload).toString()) as ReplyEnvelope),
  );
  const send = async (over: Partial<RequestEnvelope>): Promise<void> => {
    const envelope = { v: 1, id: 'one', replyTo, timeoutMs: 1000, op: 'describe', body: {}, ...over };
    await app.publish(topics.describe, encodeMessage(envelope));
    for (let turns = 0; turns < 5; turns++) await turn();
  };
  const room = (files: MemoryFiles): BodyRoom => ({
    reply: region('reply', 1e6),
    lay: async (body) => await files.write({ caller: 'com.example.App' }, region('request'), body),
    read: async (from) => await files.read({ caller: 'com.example.App' }, from, 'bodyFile'),
  });
  const common = { clock, random: new SeededRandom(1), logger: silentLogger };
  const requester = await createRequester({
    ...common,
    transport: broker.connect(),
    component: 'com.example.App',
  });
  return { clock, replies, send, requester, room, broker };
}

const described = (name: string) => ({
  name,
  version: '1.0.0',
  digest: 'd',
  labels: [],
  state: 'SERVING' as const,
  inputs: [],
  outputs: [],
});
const failureOf = (reply: ReplyEnvelope | undefined) => (reply?.ok === false ? reply.error : undefined);

describe('a body that no message holds', () => {
  it('goes by file, and so does its reply: the handler acts once, and the reply is written once', async () => {
    const files = new MemoryFiles();
    let asked = 0;
    const { requester, room } = await setUp(
      { load: (body) => Promise.resolve({ ...described(body.path ?? ''), reason: `${LONG} ${++asked}` }) },
      { files },
    );
    const withRoom = <T>(run: (one: BodyRoom) => Promise<T>): Promise<T> => run(room(files));
    const reply = await requester.request('load', { name: 'M' }, { timeoutMs: 1000, withRoom });
    assert.equal(reply.reason, `${LONG} 1`);
    assert.equal(asked, 1, 'a load that is asked for again finds the model loaded');
    const path = '/'.padEnd(1024, 'é');
    const filler = { more: LONG };
    const long = await requester.request(
      'load',
      { name: 'M', path, ...filler },
      { timeoutMs: 1000, withRoom },
    );
    assert.equal(long.name, path);
  });

  it('is refused as ever where the caller offers no file', async () => {
    const { requester, send, replies } = await setUp({
      describe: () => Promise.resolve({ ...described('M'), reason: LONG }),
    });
    await assert.rejects(requester.request('describe', { name: 'M' }, { timeoutMs: 1000 }), {
      reason: 'REPLY_TOO_LARGE',
    });
    await send({ body: { name: 'M' } });
    assert.equal(failureOf(replies[0])?.field, 'replyFile');
    await assert.rejects(requester.request('describe', { name: LONG }, { timeoutMs: 1000 }), {
      reason: 'MESSAGE_TOO_LARGE',
    });
  });

  it('is written to the caller’s file once, however often its request is sent', async () => {
    const files = new MemoryFiles();
    const { send, replies } = await setUp(
      { describe: () => Promise.resolve({ ...described('M'), reason: LONG }) },
      { files },
    );
    for (let times = 0; times < 3; times++)
      await send({ body: { name: 'M' }, replyFile: region('reply', 1e6) });
    assert.equal(replies.length, 3);
    assert.equal(files.writes, 1);
    for (const reply of replies)
      assert.ok(reply.ok && reply.bodyFile?.byteSize === files.held.get('com.example.App/reply')?.byteLength);
  });

  it('answers a request only once, also where answers to its first form are still on their way', async () => {
    const files = new MemoryFiles();
    const ready = deferred<undefined>();
    const { requester, room, clock } = await setUp(
      {
        describe: async () => {
          await ready.promise;
          return { ...described('M'), reason: LONG };
        },
      },
      { files },
    );
    const withRoom = <T>(run: (one: BodyRoom) => Promise<T>): Promise<T> => run(room(files));
    const asking = requester.request('describe', { name: 'M' }, { timeoutMs: 60_000, withRoom });
    await turn();
    await clock.advance(1000);
    await turn();
    ready.resolve(undefined);
    assert.equal((await asking).reason, LONG);
  });

  it('is refused with a sentence where its file is gone, too long, no JSON object, or of a way without files', async () => {
    const files = new MemoryFiles();
    const handlers: Handlers = { describe: (body) => Promise.resolve(described(body.name)) };
    const { send, replies } = await setUp(handlers, { files });
    files.held.set('com.example.App/text', Buffer.from('no JSON'));
    files.held.set('com.example.App/list', Buffer.from('[]'));
    files.held.set('com.example.App/wrong', Buffer.from('{"name":7}'));
    files.held.set('com.example.Other/other', Buffer.from('{"name":"M"}'));
    files.held.set('com.example.App/good', Buffer.from('{"name":"M"}'));
    for (const [name, byteSize] of [
      ['gone', 4],
      ['other', 4],
      ['good', MAX_BODY_BYTES + 1],
      ['text', 7],
      ['list', 2],
      ['wrong', 10],
      ['good', 12],
    ] as const)
      await send({ id: `${name}-${byteSize}`, bodyFile: region(name, byteSize) });
    assert.deepEqual(
      replies.map((reply) => (reply.ok ? reply.body['name'] : reply.error.reason)),
      [
        'EXCHANGE_FILE_REFUSED',
        'EXCHANGE_FILE_REFUSED',
        'MESSAGE_TOO_LARGE',
        'MESSAGE_UNREADABLE',
        'FIELD_INVALID',
        'FIELD_INVALID',
        'M',
      ],
    );
    const without = await setUp(handlers);
    await without.send({ bodyFile: region('good', 12) });
    assert.equal(failureOf(without.replies[0])?.field, 'bodyFile');
  });

  it('has one answer, whatever a caller writes for its regions and into its file', async () => {
    const files = new MemoryFiles();
    const { send, replies } = await setUp(
      { describe: (body) => Promise.resolve(described(body.name)) },
      { files },
    );
    const given = fc.record(
      {
        bodyFile: fc.oneof(hostileValue, fc.constant(region('file', 9))),
        replyFile: fc.oneof(hostileValue, fc.constant(region('reply', 9))),
      },
      { requiredKeys: [] },
    );
    const contents = fc.oneof(fc.uint8Array({ maxLength: 40 }), hostileValue.map(bytesOf));
    let id = 0;
    await fc.assert(
      fc.asyncProperty(given, contents, async (regions, bytes) => {
        files.held.set('com.example.App/file', bytes);
        const before = replies.length;
        await send({ id: `${id++}`, ...regions } as Partial<RequestEnvelope>);
        assert.equal(replies.length, before + 1);
        assert.notEqual(failureOf(replies.at(-1))?.reason, 'INTERNAL');
        assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
      }),
      { numRuns: 300 },
    );
  });

  it('waits beside few others: each may hold a megabyte', async () => {
    const files = new MemoryFiles();
    files.held.set('com.example.App/good', Buffer.from('{"name":"M"}'));
    const never = new Promise<never>(() => undefined);
    const { send, replies } = await setUp({ describe: () => never }, { files });
    for (let index = 0; index < 40; index++) await send({ id: `${index}`, bodyFile: region('good', 12) });
    assert.ok(replies.length >= 8 && replies.length < 40);
    assert.ok(replies.every((reply) => failureOf(reply)?.reason === 'REQUESTS_UNDER_WAY'));
    const small = replies.length;
    await send({ id: 'small', body: { name: 'M' } });
    assert.equal(replies.length, small, 'what is in a message waits as before');
  });
});
