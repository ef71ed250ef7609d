import { setTimeout as sleep } from 'node:timers/promises';
import type { Json, JsonObject } from '../../../src/core/mod.js';
import type { Probe } from './probe.js';
import type { Questions } from './question.js';

const binary = (content: string | Uint8Array): JsonObject => ({
  binaryMessage: { message: Buffer.from(content).toString('base64') },
});

function publish(probe: Probe, topic: string, publishMessage: JsonObject): Promise<Json> {
  return probe.ask('PublishToTopic', { topic, publishMessage });
}

/** What a subscriber gets of one jsonMessage, and whether it still hears afterwards. */
async function jsonDelivery(probe: Probe, message: Json): Promise<Json> {
  const listening = await probe.listen('SubscribeToTopic', { topic: 'probe/json' });
  const answer = await publish(probe, 'probe/json', { jsonMessage: { message } });
  const got = await listening.events();
  const published = await publish(probe, 'probe/json', binary('after'));
  const hearsAfterwards = (await listening.events(1)).length > got.length;
  await probe.close();
  return {
    answer,
    got: got.map(messageOf),
    hearsAfterwards,
    published: published === answer ? 'same' : published,
  };
}

/** A large message is told by its size. */
function messageOf(event: Json): Json {
  const { jsonMessage, binaryMessage } = event as {
    jsonMessage?: { message?: Json };
    binaryMessage?: { message?: string };
  };
  if (binaryMessage?.message !== undefined)
    return { binaryBytes: Buffer.from(binaryMessage.message, 'base64').length };
  const message = jsonMessage?.message ?? null;
  const size = JSON.stringify(message).length;
  return size > 200 ? { jsonCharacters: size } : { json: message };
}

async function binaryDelivery(probe: Probe, bytes: number): Promise<Json> {
  const listening = await probe.listen('SubscribeToTopic', { topic: 'a/b' });
  const sender = await probe.client();
  if (sender === undefined) return 'not connected';
  const body = { topic: 'a/b', publishMessage: binary(Buffer.alloc(bytes, 65)) };
  const answer = await probe.answerTo(sender, 'PublishToTopic', body);
  const got = (await listening.events(answer === 'closed' ? 0 : 1)).map(messageOf);
  const isOpen = await Promise.race([sender.ended.then(() => false), sleep(300).then(() => true)]);
  await probe.close();
  return { answer, got, isOpen };
}

async function receives(
  probe: Probe,
  filter: string,
  topics: readonly string[],
  mode?: string,
): Promise<Json> {
  const receiveMode = mode === undefined ? {} : { receiveMode: mode };
  const listening = await probe.listen('SubscribeToTopic', { topic: filter, ...receiveMode });
  const answers = [];
  for (const topic of topics) answers.push(await publish(probe, topic, binary(topic)));
  const got = (await listening.events()).map((event) => {
    const { binaryMessage } = event as { binaryMessage?: { message?: string; context?: { topic?: string } } };
    return {
      text: Buffer.from(binaryMessage?.message ?? '', 'base64').toString(),
      topic: binaryMessage?.context?.topic ?? null,
    };
  });
  await probe.close();
  const isEmpty = JSON.stringify(
    answers.find((answer) => JSON.stringify(answer) !== '{"response":{}}') ?? null,
  );
  return { subscribed: listening.answer, published: JSON.parse(isEmpty) as Json, got };
}

async function order(probe: Probe): Promise<Json> {
  const listening = await probe.listen('SubscribeToTopic', { topic: 'probe/order' });
  const sender = await probe.client();
  if (sender === undefined) return 'not connected';
  const answers = [];
  for (let index = 0; index < 300; index++) {
    answers.push(
      sender.call('PublishToTopic', { topic: 'probe/order', publishMessage: binary(String(index)) }),
    );
  }
  await Promise.all(answers);
  const got = (await listening.events(300)).map((event) =>
    Number(
      Buffer.from(
        (event as { binaryMessage: { message: string } }).binaryMessage.message,
        'base64',
      ).toString(),
    ),
  );
  await probe.close();
  return { got: got.length, isInOrder: got.every((value, index) => value === index) };
}

/** The nucleus' table of subscriptions, which all components share. */
async function subscriptions(probe: Probe): Promise<Json> {
  const client = await probe.client();
  if (client === undefined) return 'not connected';
  let accepted = 0;
  let refusal: Json = null;
  for (let index = 0; index < 120; index++) {
    const { answer } = await probe.listen('SubscribeToTopic', { topic: `probe/s/${index}` }, client);
    if (JSON.stringify(answer) !== '{"response":{}}') {
      refusal = answer;
      break;
    }
    accepted++;
  }
  await probe.close();
  return { accepted, refusal };
}

const nested = (depth: number): Json => (depth === 0 ? 1 : { a: nested(depth - 1) });
const keys = (count: number): Json =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
const numbers = (count: number): Json => ({ list: Array.from({ length: count }, (_, index) => index) });

const MESSAGES: Readonly<Record<string, Json>> = {
  'an object': { a: 5, b: 1.5, c: 9007199254740992, d: [1, 2], e: null, f: 'x', g: 1e21, h: 0.0001, i: -0.5 },
  text: 'x',
  'a number': 5,
  'a list': [1],
  null: null,
  '23 keys': keys(23),
  '24 keys': keys(24),
  '43 numbers': numbers(43),
  '45 numbers': numbers(45),
  'depth 12': nested(12),
  'depth 13': nested(13),
};
const MODES = [undefined, 'RECEIVE_ALL_MESSAGES', 'RECEIVE_MESSAGES_FROM_OTHERS', 'NONSENSE'] as const;

export const PUB_SUB_QUESTIONS: Questions = {
  ...Object.fromEntries(
    Object.entries(MESSAGES).map(([name, message]) => [
      `json: ${name}`,
      (probe: Probe) => jsonDelivery(probe, message),
    ]),
  ),
  ...Object.fromEntries(
    [100, 7_320, 7_340, 7_600, 100_000, 1_000_000].map((bytes) => [
      `binary: ${bytes} bytes`,
      (probe: Probe) => binaryDelivery(probe, bytes),
    ]),
  ),
  ...Object.fromEntries(
    MODES.flatMap((mode) =>
      ['probe/m', 'probe/+'].map((filter) => [
        `own messages: ${filter}, ${mode ?? 'no receive mode'}`,
        (probe: Probe) => receives(probe, filter, ['probe/m'], mode),
      ]),
    ),
  ),
  'wildcards: probe/w/#': (probe) =>
    receives(probe, 'probe/w/#', ['probe/w', 'probe/w/a', 'probe/w/a/b'], 'RECEIVE_ALL_MESSAGES'),
  'wildcards: probe/+/b': (probe) =>
    receives(probe, 'probe/+/b', ['probe/a/b', 'probe//b', 'probe/a/c'], 'RECEIVE_ALL_MESSAGES'),
  'publish: a wildcard': (probe) => publish(probe, 'probe/#', binary('a')),
  'publish: an empty topic': (probe) => publish(probe, '', binary('a')),
  'publish: a topic of 300 characters': (probe) => publish(probe, `probe/${'x'.repeat(294)}`, binary('a')),
  'publish: no message': (probe) => publish(probe, 'probe/m', {}),
  'publish: both kinds of message': (probe) =>
    publish(probe, 'probe/m', { ...binary('a'), jsonMessage: { message: { a: 1 } } }),
  'publish: no topic': (probe) => probe.ask('PublishToTopic', { publishMessage: binary('a') }),
  'publish: not JSON': (probe) => probe.ask('PublishToTopic', 'not JSON'),
  'publish: without the right': (probe) => publish(probe, 'other/topic', binary('a')),
  'publish: after a refusal on the same connection': async (probe) => {
    const client = await probe.client();
    if (client === undefined) return 'not connected';
    await probe.answerTo(client, 'PublishToTopic', { topic: 'other/topic', publishMessage: binary('a') });
    return await probe.answerTo(client, 'PublishToTopic', { topic: 'probe/m', publishMessage: binary('a') });
  },
  'subscribe: without the right': (probe) => probe.ask('SubscribeToTopic', { topic: 'other/topic' }),
  'subscribe: an empty topic': (probe) => probe.ask('SubscribeToTopic', { topic: '' }),
  'subscribe: no topic': (probe) => probe.ask('SubscribeToTopic', {}),
  'subscribe: a topic of 300 characters': (probe) =>
    probe.ask('SubscribeToTopic', { topic: `probe/${'x'.repeat(294)}` }),
  'order of 300 messages': order,
  'subscriptions, of 120': subscriptions,
};
