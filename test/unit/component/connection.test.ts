import assert from 'node:assert/strict';
import { joinGreengrass } from '../../../src/component/worker/connection.js';
import type { Component } from '../../../src/component/worker/mod.js';
import { EdgeError, ManualClock, SeededRandom, silentLogger } from '../../../src/core/mod.js';
import { MemoryBroker, type GreengrassPort } from '../../../src/ipc/mod.js';

const never = new Promise<never>(() => undefined);

function join(component: Partial<Component>, connect?: () => Promise<GreengrassPort>) {
  const clock = new ManualClock();
  const worker = {
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    environment: {},
    workFolder: '/work',
    stop: new AbortController().signal,
  };
  const whole = { link: async () => undefined, stop: async () => undefined, ...component };
  const port = new MemoryBroker().connect();
  return { clock, connection: joinGreengrass(worker, whole, connect ?? (async () => port)) };
}

describe('joinGreengrass', () => {
  it('connects and links for as long as it takes, and undoes each half-made link, the last first', async () => {
    const told: string[] = [];
    let connects = 0;
    let links = 0;
    const port = new MemoryBroker().connect();
    const { clock, connection } = join(
      {
        link: async (greengrass, onEnd) => {
          assert.equal(greengrass, port);
          const link = ++links;
          onEnd(() => void told.push(`undone ${link}a`));
          onEnd(async () => {
            told.push(`undone ${link}b`);
            throw new Error('gone already');
          });
          if (link < 3) throw new EdgeError('NO_REPLY', 'No answer');
          told.push('linked');
        },
      },
      async () => {
        if (++connects < 4) throw new EdgeError('GREENGRASS_UNREACHABLE', 'Not there');
        return port;
      },
    );
    await clock.advance(60_000);
    assert.deepEqual([connects, links], [4, 3]);
    assert.deepEqual(told, ['undone 1b', 'undone 1a', 'undone 2b', 'undone 2a', 'linked']);
    await connection.drain();
    assert.deepEqual(told.slice(5), ['undone 3b', 'undone 3a']);
    await connection.drain();
    assert.equal(told.length, 7);
  });

  it('fails where the nucleus refuses the SVCUID, and tries no more', async () => {
    let connects = 0;
    const { clock, connection } = join({}, async () => {
      connects++;
      throw new EdgeError('SVCUID_REFUSED', 'No');
    });
    await assert.rejects(connection.failed, (error: EdgeError) => error.reason === 'SVCUID_REFUSED');
    await clock.advance(60_000);
    assert.equal(connects, 1);
  });

  it('waits for nothing long while it stops: the nucleus may be stopping too', async () => {
    const { clock, connection } = join({
      link: async (_greengrass, onEnd) => onEnd(() => never),
      flushed: () => never,
    });
    await clock.advance(0);
    const stopped = (async () => {
      await connection.drain();
      await connection.close();
    })();
    await clock.advance(1000);
    await stopped;
  });

  it('stops while it is still trying to connect', async () => {
    const { clock, connection } = join({}, async () => {
      throw new EdgeError('GREENGRASS_UNREACHABLE', 'Not there');
    });
    await clock.advance(1000);
    await connection.drain();
    await connection.close();
    assert.equal(clock.waiting, 0);
  });
});
