import { strict as assert } from 'node:assert';
import { REPLAY_LIMIT, REPLAY_WINDOW_MS, type ReplyEnvelope } from '../../../src/contract/mod.js';
import { ManualClock } from '../../../src/core/mod.js';
import { ReplayCache } from '../../../src/ipc/replay.js';

/** A component with one client. */
const client = (name: string, component = name) => ({ name, component });
const reply = async (): Promise<ReplyEnvelope> => ({ v: 1, id: 'x', ok: true, body: {} });

describe('answers that are remembered', () => {
  it('go with the next request of anybody once their caller was silent for the window', async () => {
    const clock = new ManualClock();
    const cache = new ReplayCache(clock);
    for (let turn = 0; turn < 100; turn++) cache.answer(client(`caller-${turn}`), 'a', reply);
    await clock.advance(REPLAY_WINDOW_MS / 2);
    assert.equal(cache.answer(client('caller-7'), 'b', reply).again, false);
    await clock.advance(REPLAY_WINDOW_MS / 2);
    assert.equal(cache.answer(client('somebody else'), 'a', reply).again, false);
    assert.equal(cache.size, 2);
    assert.equal(cache.answer(client('caller-7'), 'b', reply).again, true);
    assert.equal(cache.answer(client('caller-7'), 'a', reply).again, false);
  });

  it('are those of as many callers and requests as the bounds say, the last ones', async () => {
    const cache = new ReplayCache(new ManualClock());
    for (let turn = 0; turn < 2000; turn++) await cache.answer(client(`caller-${turn}`), 'a', reply).reply;
    assert.equal(cache.size, 512);
    assert.equal(cache.answer(client('caller-1999'), 'a', reply).again, true);
    for (let turn = 0; turn < 2 * REPLAY_LIMIT; turn++) cache.answer(client('one'), `id-${turn}`, reply);
    assert.equal(cache.answer(client('one'), `id-${REPLAY_LIMIT}`, reply).again, true);
    assert.equal(cache.answer(client('one'), 'id-0', reply).again, false);
  });

  it('go with a caller that has gone', () => {
    const cache = new ReplayCache(new ManualClock());
    cache.answer(client('one'), 'a', reply);
    cache.forget('one');
    assert.equal(cache.size, 0);
    assert.equal(cache.answer(client('one'), 'a', reply).again, false);
  });

  it('are heard by their own component only, whoever names its client and request', async () => {
    const cache = new ReplayCache(new ManualClock());
    const secret: ReplyEnvelope = { v: 1, id: 'x', ok: true, body: { outputs: 'secret' } };
    cache.answer(client('one', 'app'), 'a', () => Promise.resolve(secret));
    const { again, reply: heard } = cache.answer(client('one', 'stranger'), 'a', reply);
    assert.deepEqual([again, await heard], [false, await reply()]);
    assert.equal(await cache.answer(client('one', 'app'), 'a', reply).reply, secret);
    cache.forget('one');
    assert.deepEqual([cache.size, cache.bytes], [0, 0]);
  });

  it('of 120 starts of an app with 256 predictions each take 8 MiB at most, and the last ones stay', async () => {
    const cache = new ReplayCache(new ManualClock());
    const body = { outputs: [{ name: 'y', b64: 'A'.repeat(6000) }] };
    for (let start = 0; start < 120; start++) {
      for (let turn = 0; turn < 256; turn++) {
        await cache.answer(client(`start-${start}`), `id-${turn}`, async () => ({
          v: 1,
          id: 'x',
          ok: true,
          body,
        })).reply;
      }
    }
    assert.ok(cache.bytes <= 8 * 1024 * 1024, `they take ${cache.bytes} bytes`);
    assert.equal(cache.answer(client('start-119'), 'id-255', reply).again, true);
    assert.equal(cache.answer(client('start-0'), 'id-0', reply).again, false);
  });

  it('are counted once, and no more once they have gone', async () => {
    const clock = new ManualClock();
    const cache = new ReplayCache(clock);
    for (let turn = 0; turn < 2 * REPLAY_LIMIT; turn++)
      await cache.answer(client('one'), `id-${turn}`, reply).reply;
    cache.answer(client('one'), 'late', () => new Promise<ReplyEnvelope>(() => undefined));
    cache.forget('one');
    assert.equal(cache.bytes, 0);
    await cache.answer(client('two'), 'a', reply).reply;
    await clock.advance(REPLAY_WINDOW_MS);
    cache.answer(client('three'), 'a', reply);
    cache.forget('three');
    assert.equal(cache.bytes, 0);
  });

  it('that are under way stay, whatever others take', async () => {
    const cache = new ReplayCache(new ManualClock());
    cache.answer(client('slow'), 'a', () => new Promise<ReplyEnvelope>(() => undefined));
    const body = { text: 'A'.repeat(1024 * 1024) };
    for (let turn = 0; turn < 20; turn++) {
      await cache.answer(client(`other-${turn}`), 'a', async () => ({ v: 1, id: 'x', ok: true, body })).reply;
    }
    assert.equal(cache.answer(client('slow'), 'a', reply).again, true);
  });

  it('of a component cost no other one its own, however many starts and bytes it takes', async () => {
    const cache = new ReplayCache(new ManualClock());
    const body = { text: 'A'.repeat(20_000) };
    const large = async (): Promise<ReplyEnvelope> => ({ v: 1, id: 'x', ok: true, body });
    await cache.answer(client('app'), 'a', large).reply;
    for (let turn = 0; turn < 2000; turn++)
      await cache.answer(client(`flood-${turn}`, 'flood'), 'a', large).reply;
    assert.ok(cache.bytes <= 8 * 1024 * 1024, `they take ${cache.bytes} bytes`);
    assert.ok(cache.size <= 512);
    assert.equal(cache.answer(client('app'), 'a', reply).again, true);
  });

  it('that are under way stay, whatever number of clients comes', () => {
    const cache = new ReplayCache(new ManualClock());
    cache.answer(client('slow'), 'a', () => new Promise<ReplyEnvelope>(() => undefined));
    for (let turn = 0; turn < 2000; turn++) cache.answer(client(`other-${turn}`), 'a', reply);
    assert.equal(cache.answer(client('slow'), 'a', reply).again, true);
  });
});
