import assert from 'node:assert/strict';
import { AGENT_RETURNED_ID, replyTopic } from '../../../src/contract/mod.js';
import { createLogger, EdgeError, ManualClock } from '../../../src/core/mod.js';
import { decodeReply } from '../../../src/ipc/mod.js';
import { KnownClients } from '../../../src/runtime/agent/known-clients.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const topicOf = (component: string, number: number): string =>
  replyTopic(component, number.toString(16).padStart(32, '0'));

/** A device whose file stays over starts of the agent. */
function device(content?: string) {
  const held: { bytes: Uint8Array | undefined; writes: number } = {
    bytes: content === undefined ? undefined : Buffer.from(content),
    writes: 0,
  };
  const files = {
    read: () => Promise.resolve(held.bytes),
    write: (_path: string, bytes: Uint8Array) => {
      held.bytes = bytes;
      held.writes++;
      return Promise.resolve();
    },
  };
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger = createLogger(
    (line) => lines.push(line),
    () => 0,
  );
  return {
    held,
    clock,
    lines,
    start: () => KnownClients.open({ file: 'clients.json', files, clock, logger }),
  };
}

async function toldBy(clients: KnownClients): Promise<string[]> {
  const told: string[] = [];
  await clients.tellReturn((topic, payload) => {
    assert.equal(decodeReply(payload).id, AGENT_RETURNED_ID);
    told.push(topic);
    return Promise.resolve();
  });
  return told;
}

describe('clients that the agent knows', () => {
  it('hear after a kill that it is back, who asked last first', async () => {
    const { clock, start } = device();
    const clients = await start();
    for (const number of [1, 2, 3]) clients.heard(topicOf('com.example.App', number), 'com.example.App');
    clients.heard(topicOf('com.example.App', 1), 'com.example.App');
    await clock.advance(200);
    await turn();
    assert.deepEqual(
      await toldBy(await start()),
      [1, 3, 2].map((number) => topicOf('com.example.App', number)),
    );
  });

  it('cost a write when they come, all that come within ten seconds one more, and none when they ask', async () => {
    const { held, clock, start } = device();
    const clients = await start();
    for (let number = 0; number < 50; number++) {
      clients.heard(topicOf(`com.example.App${number}`, 1), `com.example.App${number}`);
      clients.heard(topicOf('com.example.App0', 1), 'com.example.App0');
      await clock.advance(200);
      await turn();
    }
    assert.equal(held.writes, 1);
    await clock.advance(200);
    await turn();
    assert.equal(held.writes, 2);
    await clock.advance(60_000);
    assert.equal(held.writes, 2);
  });

  it('are written when the agent stops', async () => {
    const { start } = device();
    const clients = await start();
    clients.heard(topicOf('com.example.App', 1), 'com.example.App');
    await clients.close();
    assert.equal((await start()).replyTopics.length, 1);
  });

  it('are at most 8 of a component and 128 in all, who was silent longest goes', async () => {
    const { clock, start } = device();
    const clients = await start();
    for (let number = 0; number < 100; number++)
      clients.heard(topicOf('com.example.Loop', number), 'com.example.Loop');
    assert.deepEqual(
      clients.replyTopics,
      Array.from({ length: 8 }, (_, index) => topicOf('com.example.Loop', 99 - index)),
    );
    for (let number = 0; number < 200; number++)
      clients.heard(topicOf(`com.example.A${number}`, 0), `com.example.A${number}`);
    assert.equal(clients.replyTopics.length, 128);
    assert.equal(clients.replyTopics.at(-1), topicOf('com.example.A72', 0));
    await clock.advance(200);
    await turn();
    assert.equal((await start()).replyTopics.length, 128);
  });

  for (const content of ['', '{"v":1', '{"v":2,"replyTopics":[]}', '{"v":1,"replyTopics":[7]}', 'null']) {
    it(`are nobody where the file holds '${content}', which is told and stops nothing`, async () => {
      const { start, lines } = device(content);
      assert.deepEqual((await start()).replyTopics, []);
      assert.equal(lines.length, 1);
    });
  }

  it('are no topics that are none of ours, whatever the file says', async () => {
    const { start } = device(
      JSON.stringify({ v: 1, replyTopics: ['other/topic', topicOf('com.example.App', 1)] }),
    );
    assert.deepEqual((await start()).replyTopics, [topicOf('com.example.App', 1)]);
  });

  it('are all told where one cannot be', async () => {
    const { start } = device();
    const clients = await start();
    for (const number of [1, 2]) clients.heard(topicOf('com.example.App', number), 'com.example.App');
    let tries = 0;
    await clients.tellReturn(() => {
      tries++;
      return Promise.reject(new EdgeError('CONNECTION_LOST', 'It is away'));
    });
    assert.equal(tries, 2);
  });
});
