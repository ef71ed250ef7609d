import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, type Clock, type JsonObject, type Logger } from '../../../src/core/mod.js';
import { encodeFrame, MESSAGE_TYPE } from '../../../src/ipc/frames/mod.js';
import { connectGreengrass } from '../../../src/ipc/greengrass/mod.js';
import { translateIpcError } from '../../../src/ipc/greengrass/ipc-errors.js';
import { NucleusRefusal } from '../../../src/ipc/greengrass/refusal.js';
import type { GreengrassPort } from '../../../src/ipc/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { MoodyIpcServer } from '../../lib/moody-ipc-server.js';
import { until } from '../../lib/until.js';

const { applicationMessage, protocolError, ping } = MESSAGE_TYPE;

describe('what a nucleus sends', () => {
  let folder: string;
  let server: MoodyIpcServer;
  let port: GreengrassPort;
  const told: string[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'link-'));
    server = new MoodyIpcServer(join(folder, 's'));
    told.length = 0;
  });
  afterEach(async () => {
    await port.close();
    await server.stop();
    await rm(folder, { recursive: true });
  });

  async function connect(clock: Clock = systemClock, logger: Logger = silentLogger): Promise<void> {
    await server.listen();
    port = await connectGreengrass({
      clock,
      random: systemRandom,
      logger,
      environment: {
        AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: server.socketPath,
        SVCUID: 'svcuid',
      },
    });
    port.onConnection((state) => told.push(state));
  }

  const event = (streamId: number, body: unknown): Uint8Array =>
    encodeFrame({ type: applicationMessage, flags: 0, streamId, payload: Buffer.from(JSON.stringify(body)) });
  const binary = (text: string): JsonObject => ({
    binaryMessage: { message: Buffer.from(text).toString('base64') },
  });

  it('is heard in order, however the bytes are cut', async () => {
    await connect();
    const heard: string[] = [];
    await port.subscribe('a', ({ topic, payload, form }) =>
      heard.push(`${topic} ${form} ${Buffer.from(payload).toString()}`),
    );
    const bytes = Buffer.concat([
      event(1, binary('one')),
      event(1, { jsonMessage: { message: { two: 2 }, context: { topic: 'a/b' } } }),
      event(1, { binaryMessage: { message: null } }),
      event(1, { someMessage: {} }),
      event(1, 'no message'),
      encodeFrame({ type: applicationMessage, flags: 0, streamId: 1, payload: Buffer.from('no json') }),
      encodeFrame({ type: ping, flags: 0, streamId: 0 }),
      event(77, binary('of a stream that nobody opened')),
      event(1, binary('three')),
    ]);
    for (const cut of [1, 40, 300, bytes.length]) {
      for (let at = 0; at < bytes.length; at += cut) {
        server.write(bytes.subarray(at, at + cut));
        if (cut > 1) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const each = ['a binary one', 'a/b json {"two":2}', 'a binary three'];
    await until(() => heard.length >= 12, 'all is there');
    assert.deepEqual(heard, [...each, ...each, ...each, ...each]);
    assert.deepEqual(told, []);
  });

  for (const [name, bytes] of [
    ['is no frame', Buffer.alloc(64, 0x55)],
    ['is a frame with a wrong checksum', corrupted(encodeFrame({ type: ping, flags: 0, streamId: 0 }))],
    ['is more than any message', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0])],
    ['gives the connection up', encodeFrame({ type: protocolError, flags: 0, streamId: 0 })],
  ] as const) {
    it(`costs the connection and nothing else where it ${name}`, async () => {
      await connect();
      const heard: string[] = [];
      await port.subscribe('a', () => heard.push('a'));
      server.write(bytes);
      await until(() => told.includes('regained'), 'it is back');
      assert.deepEqual(told, ['lost', 'regained']);
      server.send('a', 'x');
      await until(() => heard.length === 1, 'messages come');
      await port.publish('b', Buffer.from('x'));
    });
  }

  it('opens nothing where it comes too late, and the nucleus is told so', async () => {
    const hurried: Clock = {
      ...systemClock,
      after: (ms, run, options) => systemClock.after(ms === 10_000 ? 200 : ms, run, options),
    };
    server.mood = () => ({ ignores: ['a'] });
    await connect(hurried);
    const heard: string[] = [];
    await assert.rejects(
      port.subscribe('a', () => heard.push('a')),
      { reason: 'NO_REPLY' },
    );
    await until(() => server.terminated.includes(1), 'the stream is ended');
    server.write(event(1, {}));
    server.write(event(1, binary('x')));
    await port.publish('b', Buffer.from('x'));
    assert.deepEqual(heard, []);
  });

  it('may end a subscription: then it is asked for again, while all others go on', async () => {
    const hurried: Clock = {
      ...systemClock,
      after: (ms, run, options) => systemClock.after(ms === 5000 ? 50 : ms, run, options),
      sleep: async (ms, signal) => await systemClock.sleep(ms === 5000 ? 50 : ms, signal),
    };
    await connect(hurried);
    const heard: string[] = [];
    for (const topic of ['a', 'b']) await port.subscribe(topic, () => heard.push(topic));
    server.endStreams('a');
    await until(() => server.subscribed.filter((topic) => topic === 'a').length === 2, 'it is asked for');
    await until(() => {
      server.send('a', 'x');
      return heard.includes('a');
    }, 'messages come');
    assert.ok(server.subscribed.filter((topic) => topic === 'b').length === 1);
    assert.deepEqual(told, []);
  });

  it('is heard up to the end of its subscription, although most of it lies unread when that is asked for', async () => {
    await connect();
    const heard: string[] = [];
    const end = await port.subscribe('a', ({ payload }) => heard.push(Buffer.from(payload).toString()));
    const sent = Array.from({ length: 5000 }, (_, index) => `${index}`);
    for (const text of sent) server.send('a', text);
    await end();
    assert.deepEqual(heard, sent);
    server.send('a', 'after it');
    await port.publish('b', Buffer.from('x'));
    assert.equal(heard.length, sent.length);
  });

  it('is heard and answered before the connection closes', async () => {
    await connect();
    const heard: string[] = [];
    const answers: Promise<unknown>[] = [];
    const end = await port.subscribe('a', ({ payload }) => {
      heard.push(Buffer.from(payload).toString());
      answers.push(port.publish('b', payload));
    });
    const sent = Array.from({ length: 5000 }, (_, index) => `${index}`);
    for (const text of sent) server.send('a', text);
    const before = server.calls;
    const ending = end();
    await port.close();
    await ending;
    assert.deepEqual(heard, sent);
    await Promise.all(answers);
    assert.ok(server.calls >= before + sent.length);
  });

  it('may be nothing at the end of a subscription: that settles all the same', async () => {
    await connect();
    const end = await port.subscribe('a', () => undefined);
    const endOther = await port.subscribe('b', () => undefined);
    server.isStuck = true;
    await Promise.all([end(), endOther()]);
  });

  it('may be the end of a subscription that is being ended: nobody asks for it again', async () => {
    const warned: string[] = [];
    await connect(systemClock, { ...silentLogger, error: (text) => warned.push(text) });
    const end = await port.subscribe('a', () => undefined);
    server.endStreams('a');
    await end();
    await port.publish('b', Buffer.from('x'));
    assert.deepEqual(warned, []);
    assert.equal(server.subscribed.length, 1);
  });

  it('may be nothing: a nucleus that reads no more holds up no close', async () => {
    server.mood = () => ({ listens: false });
    await connect();
    const publishing = port.publish('a', Buffer.alloc(6000));
    const floods = Array.from({ length: 200 }, async () => await port.publish('a', Buffer.alloc(6000)));
    const settled = Promise.allSettled([publishing, ...floods]);
    await port.close();
    for (const { status } of await settled) assert.equal(status, 'rejected');
  });
});

describe('what a nucleus refuses', () => {
  const reason = (shape: string | undefined, body: JsonObject, text = ''): string =>
    translateIpcError(new NucleusRefusal(shape, body, text), 'Cannot ask').reason;

  it('is told by shape, code or sentence, whichever nucleus says it', () => {
    const java = (code: string, message: string): JsonObject => ({ message, _errorCode: code });
    assert.equal(reason('UnauthorizedError', {}), 'NUCLEUS_DENIED');
    assert.equal(reason('UnauthorizedError', java('UnauthorizedError', 'Not Authorized')), 'NUCLEUS_DENIED');
    assert.equal(
      reason('ServiceError', { _message: 'IPC Operation not authorized.', _errorCode: 'UnauthorizedError' }),
      'NUCLEUS_DENIED',
    );
    assert.equal(reason('ResourceNotFoundError', java('ResourceNotFoundError', 'Key')), 'KEY_NOT_FOUND');
    assert.equal(reason('InvalidArgumentsError', {}), 'NUCLEUS_REFUSED');
    assert.equal(
      reason('ServiceError', { _message: '', _errorCode: 'ServiceError' }),
      'NUCLEUS_LACKS_OPERATION',
    );
    assert.equal(reason('ServiceError', { message: 'Disk full' }), 'NUCLEUS_FAILED');
    assert.equal(reason(undefined, {}, 'InternalServerError'), 'GREENGRASS_UNREACHABLE');
    assert.match(translateIpcError(new NucleusRefusal(undefined, {}, 'oh'), 'Cannot ask').message, /oh$/);
  });
});

function corrupted(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 1] = (copy[copy.length - 1] ?? 0) ^ 1;
  return copy;
}
