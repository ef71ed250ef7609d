import assert from 'node:assert/strict';
import { once } from 'node:events';
import { greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { ManualClock } from '../../../src/core/mod.js';
import { PROFILES } from '../../../src/local/nucleus/api/mod.js';
import { FULL_SOCKET_WAIT_MS } from '../../../src/local/nucleus/ipc/socket-link.js';
import {
  ALLOW_ALL,
  publish,
  publishJson,
  refusal,
  startIpcHarness,
  subscribe,
  type Client,
  type IpcHarness,
} from '../../lib/ipc-harness.js';
import { RawIpcClient } from '../../lib/raw-ipc-client.js';

const { RECEIVE_ALL_MESSAGES, RECEIVE_MESSAGES_FROM_OTHERS } = greengrasscoreipc.model.ReceiveMode;

// One test per row of the table "IPC pub/sub" in the facts; a test's title names its row.
describe('IPC pub/sub with the official client, nucleus', () => {
  it('largest packet: a binary payload of 18.8 MB arrives, just above 24 MiB the client refuses and stays connected', async () => {
    await using harness = await startIpcHarness('nucleus');
    const client = await harness.connect('app');
    const stream = client.subscribeToTopic({ topic: 'big' });
    const arrived = once(stream, 'message') as Promise<[greengrasscoreipc.model.SubscriptionResponseMessage]>;
    await stream.activate();
    await publish(client, 'big', Buffer.alloc(18_800_000, 7));
    const [message] = await arrived;
    assert.equal((message.binaryMessage?.message as ArrayBuffer | undefined)?.byteLength, 18_800_000);
    await assert.rejects(publish(client, 'big', Buffer.alloc(18_900_000)));
    const inbox = await subscribe(client, 'small');
    await publish(client, 'small', 'still there');
    assert.equal((await inbox.until(1))[0]?.text, 'still there');
  });

  it('jsonMessage: an object arrives, anything else is no request', async () => {
    await using harness = await startIpcHarness('nucleus');
    const client = await harness.connect('app');
    const inbox = await subscribe(client, 'a');
    await publishJson(client, 'a', { n: 5, list: [1, { x: 'y' }], big: 12345678 });
    assert.equal((await inbox.until(1))[0]?.text, '{"n":5,"list":[1,{"x":"y"}],"big":12345678}');
    assert.match((await refusal(publishJson(client, 'a', [1]))).description, /InternalServerError/);
  });

  it('jsonMessage: numbers come back as doubles', async () => {
    await using harness = await startIpcHarness('nucleus');
    harness.kernel.add('app', ALLOW_ALL);
    const raw = await RawIpcClient.connect(harness.socketPath, 'app-token');
    raw.request('SubscribeToTopic', { topic: 'a' });
    raw.request('PublishToTopic', {
      topic: 'a',
      publishMessage: { jsonMessage: { message: { n: 5, m: 1e7 } } },
    });
    const frames = await raw.frames.until(4);
    assert.match(Buffer.from(frames[3]?.payload ?? []).toString(), /\{"n":5\.0,"m":1\.0E7\}/);
    raw.socket.destroy();
  });

  it('ack of a publish: before delivery', async () => {
    assert.deepEqual(await shapesOfEcho('nucleus'), [
      'aws.greengrass#SubscribeToTopicResponse',
      'aws.greengrass#PublishToTopicResponse',
      'aws.greengrass#SubscriptionResponseMessage',
    ]);
  });

  it('slow subscriber: nothing waits for it, nothing is lost', async () => {
    await using harness = await startIpcHarness('nucleus');
    const sender = await harness.connect('sender');
    const slow = await pausedSubscriber(harness);
    for (let sent = 0; sent < 400; sent++) await publish(sender, 'slow', Buffer.alloc(7000));
    slow.socket.resume();
    assert.equal((await slow.frames.until(402)).length, 402);
    slow.socket.destroy();
  });

  it('receiveMode: honoured; own messages are left out of wildcard subscriptions by default', async () => {
    await using harness = await startIpcHarness('nucleus');
    const [app, other] = await Promise.all([harness.connect('app'), harness.connect('other')]);
    const inboxes = [
      await subscribe(app, 'a/b'),
      await subscribe(app, 'a/+'),
      await subscribe(app, 'a/b', RECEIVE_MESSAGES_FROM_OTHERS),
      await subscribe(app, 'a/+', RECEIVE_ALL_MESSAGES),
    ];
    await publish(app, 'a/b', 'own');
    await publish(other, 'a/b', 'theirs');
    const expected = [['own', 'theirs'], ['theirs'], ['theirs'], ['own', 'theirs']];
    for (const [index, inbox] of inboxes.entries()) {
      const wanted = expected[index] ?? [];
      assert.deepEqual(texts(await inbox.until(wanted.length)), wanted);
    }
  });

  it('subscribe wildcards: foo/# does not match foo', async () => {
    await using harness = await startIpcHarness('nucleus');
    assert.deepEqual(await wildcardDeliveries(harness), ['+: foo/x', '#: foo/x', '#: foo/x/y']);
  });

  it('publish topic with a wildcard: InvalidArgumentsError', async () => {
    await using harness = await startIpcHarness('nucleus');
    harness.kernel.add('app', ALLOW_ALL);
    const raw = await RawIpcClient.connect(harness.socketPath, 'app-token');
    for (const topic of ['a/+', 'a/#', 'a/*']) {
      raw.request('PublishToTopic', { topic, publishMessage: { binaryMessage: { message: '' } } });
    }
    for (const frame of (await raw.frames.until(4)).slice(1)) {
      assert.equal(frame.shape, 'aws.greengrass#InvalidArgumentsError');
    }
    raw.socket.destroy();
  });
});

describe('IPC pub/sub with the official client, lite', () => {
  it('largest packet: 7,329 B on a 3-character topic arrive; 7,330 B are acked and not delivered', async () => {
    await using harness = await startIpcHarness('lite');
    const client = await harness.connect('app');
    const inbox = await subscribe(client, 'abc');
    await publish(client, 'abc', 'a'.repeat(7329));
    await publish(client, 'abc', 'b'.repeat(7330));
    await publish(client, 'abc', 'c');
    assert.deepEqual(
      (await inbox.until(2)).map(({ text }) => text.slice(0, 1) + text.length),
      ['a7329', 'c1'],
    );
  });

  it('just above it: the connection is closed with no error', async () => {
    await using harness = await startIpcHarness('lite');
    const client = await harness.connect('app');
    const disconnected = once(client, 'disconnection');
    publish(client, 'abc', 'a'.repeat(7600)).catch(() => undefined);
    await disconnected;
    const other = await harness.connect('other');
    await publish(other, 'abc', 'the nucleus lives');
  });

  const deaf = {
    '24 keys': [keys(23), keys(24)],
    'an array of 45 numbers': [Array.from({ length: 44 }, () => 1), Array.from({ length: 45 }, () => 1)],
  };
  for (const [what, [good, bad]] of Object.entries(deaf)) {
    it(`jsonMessage: ${what} is acked, not delivered, and the subscription is deaf for good`, async () => {
      await using harness = await startIpcHarness('lite');
      const client = await harness.connect('app');
      const inbox = await subscribe(client, 'a');
      await publishJson(client, 'a', good);
      await publishJson(client, 'a', bad);
      await publishJson(client, 'a', { after: true });
      const fresh = await subscribe(client, 'a');
      await publish(client, 'a', 'last');
      assert.deepEqual(texts(await fresh.until(1)), ['last']);
      assert.deepEqual(texts(inbox.received), [JSON.stringify(good)]);
    });
  }

  it('jsonMessage: nesting depth 13 is acked and not delivered, alone', async () => {
    await using harness = await startIpcHarness('lite');
    const client = await harness.connect('app');
    const inbox = await subscribe(client, 'a');
    await publishJson(client, 'a', nested(12));
    await publishJson(client, 'a', nested(13));
    await publish(client, 'a', 'last');
    assert.deepEqual(texts(await inbox.until(2)), [JSON.stringify(nested(12)), 'last']);
  });

  it('ack of a publish: after hand-over to every subscription', async () => {
    assert.deepEqual(await shapesOfEcho('lite'), [
      'aws.greengrass#SubscribeToTopicResponse',
      'aws.greengrass#SubscriptionResponseMessage',
      'aws.greengrass#PublishToTopicResponse',
    ]);
  });

  it('slow subscriber: a publish takes 5 s and is dropped, and all IPC stalls meanwhile', async () => {
    const clock = new ManualClock();
    await using harness = await startIpcHarness('lite', clock);
    const sender = await harness.connect('sender');
    const other = await harness.connect('other');
    const slow = await pausedSubscriber(harness);
    let acked = 0;
    let isFull = false;
    const flood = (async () => {
      while (!isFull) {
        await publish(sender, 'slow', Buffer.alloc(7000));
        acked += 1;
      }
    })();
    while (clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
    isFull = true;
    const before = acked;
    let isAnswered = false;
    const asked = other.getConfiguration({ keyPath: [] }).then(() => (isAnswered = true));
    await clock.advance(FULL_SOCKET_WAIT_MS - 1);
    assert.deepEqual([acked, isAnswered], [before, false]);
    await clock.advance(1);
    await Promise.all([flood, asked]);
    slow.socket.resume();
    const received = (await slow.frames.until(2 + before)).length;
    assert.equal(received, 2 + before);
    assert.equal(acked, before + 1);
    slow.socket.destroy();
  });

  it('receiveMode: ignored, own messages come back', async () => {
    await using harness = await startIpcHarness('lite');
    const client = await harness.connect('app');
    const inbox = await subscribe(client, 'a', RECEIVE_MESSAGES_FROM_OTHERS);
    const wild = await subscribe(client, '#');
    await publish(client, 'a', 'own');
    assert.deepEqual([texts(await inbox.until(1)), texts(await wild.until(1))], [['own'], ['own']]);
  });

  it('subscribe wildcards: foo/# matches foo', async () => {
    await using harness = await startIpcHarness('lite');
    assert.deepEqual(await wildcardDeliveries(harness), ['+: foo/x', '#: foo', '#: foo/x', '#: foo/x/y']);
  });

  it('publish topic with a wildcard: accepted', async () => {
    await using harness = await startIpcHarness('lite');
    const client = await harness.connect('app');
    await publish(client, 'a/+', 'x');
    await publish(client, 'a/#', 'x');
  });

  it('limits: the 51st connection is closed', async () => {
    await using harness = await startIpcHarness('lite');
    harness.kernel.add('app', ALLOW_ALL);
    const clients: RawIpcClient[] = [];
    for (let made = 0; made < 50; made++) {
      clients.push(await RawIpcClient.connect(harness.socketPath, 'app-token'));
    }
    const late = await RawIpcClient.open(harness.socketPath);
    await late.ended;
    for (const client of clients) client.socket.destroy();
  });

  it('limits: the 100th subscription of the nucleus is refused, and there is room again when one ends', async () => {
    await using harness = await startIpcHarness('lite');
    const [client, other] = await Promise.all([harness.connect('app'), harness.connect('other')]);
    const first = client.subscribeToTopic({ topic: 'first' });
    await first.activate();
    for (let made = 1; made < 99; made++) await subscribe(made % 2 === 0 ? client : other, `t/${made}`);
    const raw = await RawIpcClient.connect(harness.socketPath, 'app-token');
    const tooMany = await raw.call('SubscribeToTopic', { topic: 'too/many' });
    assert.equal(tooMany.shape, 'aws.greengrass#ServiceError');
    await first.close();
    await client.getConfiguration({ keyPath: [] });
    await subscribe(other, 'again');
    raw.socket.destroy();
  });

  it('limits: topics have at most 256 characters', async () => {
    await using harness = await startIpcHarness('lite');
    const client = await harness.connect('app');
    const longest = 't'.repeat(256);
    const inbox = await subscribe(client, longest);
    await publish(client, longest, 'x');
    await inbox.until(1);
    await refusal(publish(client, `${longest}t`, 'x'));
    const raw = await RawIpcClient.connect(harness.socketPath, 'app-token');
    const tooLong = await raw.call('SubscribeToTopic', { topic: `${longest}t` });
    assert.equal(tooLong.shape, 'aws.greengrass#ServiceError');
    raw.socket.destroy();
  });
});

for (const profile of PROFILES) {
  describe(`IPC pub/sub with the official client, both: ${profile}`, () => {
    it('binaryMessage: any bytes arrive unchanged', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app');
      const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 7) % 256));
      const stream = client.subscribeToTopic({ topic: 'bin' });
      const arrived = once(stream, 'message') as Promise<
        [greengrasscoreipc.model.SubscriptionResponseMessage]
      >;
      await stream.activate();
      await publish(client, 'bin', bytes);
      const [message] = await arrived;
      assert.deepEqual(Buffer.from(message.binaryMessage?.message as Uint8Array), bytes);
    });

    it('nobody subscribed: success, the message is lost', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app');
      await publish(client, 'a', 'lost');
      const inbox = await subscribe(client, 'a');
      await publish(client, 'a', 'kept');
      assert.deepEqual(texts(await inbox.until(1)), ['kept']);
    });

    it('order: kept per subscriber', async () => {
      await using harness = await startIpcHarness(profile);
      const [sender, receiver] = await Promise.all([harness.connect('sender'), harness.connect('receiver')]);
      const inbox = await subscribe(receiver, 'order');
      const numbers = Array.from({ length: 200 }, (_, index) => String(index));
      await Promise.all(numbers.map((number) => publish(sender, 'order', number)));
      assert.deepEqual(texts(await inbox.until(200)), numbers);
    });

    it("sender's identity: not given to the receiver", async () => {
      await using harness = await startIpcHarness(profile);
      harness.kernel.add('app', ALLOW_ALL);
      const raw = await RawIpcClient.connect(harness.socketPath, 'app-token');
      raw.request('SubscribeToTopic', { topic: 'a' });
      await publish(await harness.connect('sender'), 'a', 'x');
      const event = (await raw.frames.until(3))[2];
      assert.deepEqual(JSON.parse(Buffer.from(event?.payload ?? []).toString()), {
        binaryMessage: { message: 'eA==', context: { topic: 'a' } },
      });
      raw.socket.destroy();
    });

    it('a closed subscription gets nothing more', async () => {
      await using harness = await startIpcHarness(profile);
      const client = await harness.connect('app');
      const received: unknown[] = [];
      const stream = client.subscribeToTopic({ topic: 'a' });
      stream.on('message', (message) => received.push(message));
      await stream.activate();
      await stream.close();
      const inbox = await subscribe(client, 'a');
      await publish(client, 'a', 'x');
      await inbox.until(1);
      assert.equal(received.length, 0);
    });
  });
}

function texts(messages: readonly { text: string }[]): string[] {
  return messages.map(({ text }) => text);
}

function keys(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
}

function nested(depth: number): object {
  return depth === 1 ? {} : { d: nested(depth - 1) };
}

/** Subscribes to foo/+ and foo/#, publishes to foo, foo/x and foo/x/y, and lists what arrived where. */
async function wildcardDeliveries(harness: IpcHarness): Promise<string[]> {
  const [receiver, sender]: [Client, Client] = [
    await harness.connect('receiver'),
    await harness.connect('sender'),
  ];
  const plus = await subscribe(receiver, 'foo/+');
  const hash = await subscribe(receiver, 'foo/#');
  const end = await subscribe(receiver, 'end');
  for (const topic of ['foo', 'foo/x', 'foo/x/y', 'fool/x', 'end']) await publish(sender, topic, '');
  await end.until(1);
  return [
    ...plus.received.map(({ topic }) => `+: ${topic}`),
    ...hash.received.map(({ topic }) => `#: ${topic}`),
  ];
}

/** The shapes that a client sees in their order when it publishes to itself. */
async function shapesOfEcho(profile: 'nucleus' | 'lite'): Promise<(string | undefined)[]> {
  await using harness = await startIpcHarness(profile);
  harness.kernel.add('app', ALLOW_ALL);
  const raw = await RawIpcClient.connect(harness.socketPath, 'app-token');
  raw.request('SubscribeToTopic', { topic: 'a' });
  raw.request('PublishToTopic', { topic: 'a', publishMessage: { binaryMessage: { message: 'eA==' } } });
  const frames = await raw.frames.until(4);
  raw.socket.destroy();
  return frames.slice(1).map(({ shape }) => shape);
}

/** A subscriber of topic `slow` that has stopped reading. */
async function pausedSubscriber(harness: IpcHarness): Promise<RawIpcClient> {
  harness.kernel.add('slow', ALLOW_ALL);
  const raw = await RawIpcClient.connect(harness.socketPath, 'slow-token');
  raw.request('SubscribeToTopic', { topic: 'slow' });
  await raw.frames.until(2);
  raw.socket.pause();
  return raw;
}
