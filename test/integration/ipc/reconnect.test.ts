import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, type Clock, type Logger } from '../../../src/core/mod.js';
import { connectGreengrass } from '../../../src/ipc/greengrass/mod.js';
import type { GreengrassPort } from '../../../src/ipc/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { MoodyIpcServer } from '../../lib/moody-ipc-server.js';
import { until } from '../../lib/until.js';

/** What only the timeout of a call or of a connect would end does not end. */
const withoutTimeouts: Clock = {
  ...systemClock,
  after: (ms, run, options) => systemClock.after(ms >= 10_000 ? 600_000 : ms, run, options),
};

/** The system's clock, with waits of another length. */
function hurried(waitMs: (ms: number) => number): Clock {
  return { ...systemClock, after: (ms, run, options) => systemClock.after(waitMs(ms), run, options) };
}

describe('a connection to Greengrass that is lost', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rc-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  async function connected(
    server: MoodyIpcServer,
    logger: Logger = silentLogger,
    clock: Clock = systemClock,
  ): Promise<{ port: GreengrassPort; told: string[] }> {
    await server.listen();
    const port = await connectGreengrass({
      clock,
      random: systemRandom,
      logger,
      environment: {
        AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: server.socketPath,
        SVCUID: 'svcuid',
      },
    });
    const told: string[] = [];
    port.onConnection((state) => told.push(state));
    return { port, told };
  }

  it('is one connection with one subscription a topic again, also when it is lost while it is made anew', async () => {
    await using server = new MoodyIpcServer(join(folder, 's'));
    const { port, told } = await connected(server);
    const heard: string[] = [];
    for (const topic of ['a', 'b']) await port.subscribe(topic, () => heard.push(topic));
    for (let round = 1; round <= 5; round++) {
      // Lost again as soon as its first subscription has been asked for, three times over.
      let breaks = 3;
      const asked = server.subscribed.length;
      server.onSubscribe = () => {
        if (breaks-- > 0) server.cut();
      };
      server.cut();
      await until(() => told.filter((state) => state === 'regained').length === round, 'it is back');
      assert.ok(server.subscribed.length >= asked + 4);
      await until(() => server.live === 1, 'one connection is left');
      heard.length = 0;
      server.send('a', 'x');
      server.send('b', 'x');
      await until(() => heard.includes('b'), 'messages come');
      await port.publish('c', Buffer.from('x'));
      assert.deepEqual(heard, ['a', 'b']);
    }
    assert.deepEqual(told, Array.from({ length: 5 }, () => ['lost', 'regained']).flat());
    await port.close();
    await until(() => server.live === 0, 'it has closed');
    assert.equal(told.length, 10, 'who closes it has not lost it');
  });

  it('is loud while it lasts, and counts its seconds', async () => {
    await using server = new MoodyIpcServer(join(folder, 's'));
    const errors: string[] = [];
    const logger: Logger = { ...silentLogger, error: (message) => errors.push(message) };
    // What is to come after a minute comes now.
    const clock = hurried((ms) => (ms >= 60_000 ? 500 : ms));
    const { port, told } = await connected(server, logger, clock);
    assert.equal(port.deafSeconds, 0);
    await server.stop();
    await until(() => errors.length >= 3, 'it has said so, again and again');
    assert.match(errors[0] ?? '', /nothing reaches this component/);
    await server.listen();
    await until(() => told.includes('regained'), 'it is back');
    const said = errors.length;
    assert.ok(port.deafSeconds >= 1, `${port.deafSeconds} s`);
    await systemClock.sleep(600);
    assert.equal(errors.length, said, 'no more is said');
    await port.close();
  });

  it('is lost where the nucleus keeps it open and answers nothing: told, counted, and found again', async () => {
    await using server = new MoodyIpcServer(join(folder, 's'));
    const errors: string[] = [];
    const logger: Logger = { ...silentLogger, error: (message) => errors.push(message) };
    // A call and a connect are given up after ten seconds, what is to come after a minute comes soon.
    const clock = hurried((ms) => (ms >= 60_000 ? 700 : ms === 10_000 ? 300 : ms));
    const { port, told } = await connected(server, logger, clock);
    const heard: string[] = [];
    await port.subscribe('a', () => heard.push('a'));
    server.isStuck = true;
    await assert.rejects(port.publish('b', Buffer.from('x')), { reason: 'NO_REPLY' });
    await until(() => told.includes('lost'), 'it counts as lost');
    await until(() => errors.length >= 2, 'it is loud');
    server.isStuck = false;
    await until(() => told.includes('regained'), 'it is back');
    assert.ok(port.deafSeconds >= 1, `${port.deafSeconds} s`);
    await until(() => {
      server.send('a', 'x');
      return heard.length > 0;
    }, 'messages come');
    await port.close();
  });

  it('stays where one call has no answer, and others have', async () => {
    await using server = new MoodyIpcServer(join(folder, 's'));
    const clock = hurried((ms) => (ms === 10_000 ? 300 : ms));
    server.mood = () => ({ ignores: ['silent'] });
    const { port, told } = await connected(server, silentLogger, clock);
    const busy = systemClock.after(
      100,
      () => void port.publish('b', Buffer.from('x')).catch(() => undefined),
    );
    await assert.rejects(
      port.subscribe('silent', () => undefined),
      { reason: 'NO_REPLY' },
    );
    busy();
    await systemClock.sleep(1500);
    assert.deepEqual(told, []);
    await port.close();
  });

  it('comes back without a topic that is refused, says so, and asks for it again later', async () => {
    await using server = new MoodyIpcServer(join(folder, 's'));
    const errors: string[] = [];
    const logger: Logger = {
      ...silentLogger,
      error: (_message, fields) => errors.push(JSON.stringify(fields)),
    };
    const { port, told } = await connected(server, logger);
    const heard: string[] = [];
    for (const topic of ['a', 'b']) await port.subscribe(topic, () => heard.push(topic));
    const before = server.accepted;
    server.mood = () => ({ refuses: ['a'] });
    server.cut();
    await until(() => told.includes('regained'), 'it is back');
    assert.equal(server.accepted, before + 1);
    assert.ok(
      errors.some((fields) => fields.includes('Cannot subscribe to a')),
      errors.join(),
    );
    server.send('b', 'x');
    await until(() => heard.includes('b'), 'the other topic is heard');
    server.allow('a');
    await until(() => {
      server.send('a', 'x');
      return heard.includes('a');
    }, 'the refused topic is heard again');
    assert.equal(server.accepted, before + 1);
    await port.close();
  });

  for (const [what, mood] of [
    ['does not answer a subscription', { ignores: ['a'] }],
    ['refuses one', { refuses: ['a'] }],
  ] as const) {
    it(`closes at once while it is made anew and the nucleus ${what}`, async () => {
      await using server = new MoodyIpcServer(join(folder, 's'));
      const { port, told } = await connected(server, silentLogger, withoutTimeouts);
      await port.subscribe('a', () => undefined);
      const before = [server.subscribed.length, server.answered] as const;
      server.mood = () => mood;
      server.cut();
      await until(() => server.subscribed.length > before[0], 'it is being made anew');
      await port.close();
      await until(() => server.live === 0, 'nothing is left');
      await systemClock.sleep(300);
      assert.deepEqual([server.live, server.answered], [0, before[1] + 1]);
      assert.equal(told[0], 'lost');
    });
  }

  it('closes while the nucleus reads nothing of what is published', async () => {
    await using server = new MoodyIpcServer(join(folder, 's'));
    server.mood = () => ({ listens: false });
    const { port } = await connected(server, silentLogger, withoutTimeouts);
    const published = Promise.allSettled(
      Array.from({ length: 400 }, () => port.publish('a', Buffer.alloc(6000, 7))),
    );
    await port.close();
    assert.ok((await published).every(({ status }) => status === 'rejected'));
  });

  it('closes while the nucleus is away, and while it answers nothing', async () => {
    await using server = new MoodyIpcServer(join(folder, 's'));
    const { port, told } = await connected(server);
    server.mood = () => ({ answers: false });
    server.cut();
    await until(() => server.live === 1 && told.includes('lost'), 'it is greeting');
    await port.close();
    await until(() => server.live === 0, 'nothing is left');
    await assert.rejects(port.publish('a', Buffer.from('x')), { reason: 'CLOSED' });
  });
});
