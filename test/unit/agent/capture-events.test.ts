import assert from 'node:assert/strict';
import { ManualClock, silentLogger } from '../../../src/core/mod.js';
import { CaptureEvents } from '../../../src/runtime/agent/capture-events.js';
import { Events } from '../../../src/runtime/agent/events.js';

interface Sent {
  readonly state: string;
  readonly captureIds: readonly string[];
  readonly reason?: string;
}

function setUp(): { clock: ManualClock; events: CaptureEvents; sent: Sent[] } {
  const clock = new ManualClock();
  const sent: Sent[] = [];
  const wire = new Events(silentLogger);
  wire.attach((_topic, payload) => {
    sent.push(JSON.parse(Buffer.from(payload).toString()) as Sent);
    return Promise.resolve();
  });
  return { clock, events: new CaptureEvents(clock, wire), sent };
}

describe('the events of captures', () => {
  it('gather what happens within 100 ms into one message a state and reason', async () => {
    const { clock, events, sent } = setUp();
    events.tell('SPOOLED', ['a']);
    events.tell('SPOOLED', ['b', 'c']);
    events.tell('DROPPED', ['d'], 'quota');
    events.tell('DROPPED', ['e'], 'no-space');
    assert.equal(sent.length, 0);
    await clock.advance(100);
    assert.deepEqual(
      sent.map(({ state, captureIds, reason }) => [state, captureIds, reason]),
      [
        ['SPOOLED', ['a', 'b', 'c'], undefined],
        ['DROPPED', ['d'], 'quota'],
        ['DROPPED', ['e'], 'no-space'],
      ],
    );
    events.tell('SPOOLED', ['f']);
    await clock.advance(100);
    assert.deepEqual(sent.at(-1)?.captureIds, ['f']);
  });

  it('never hold more than one message', async () => {
    const { clock, events, sent } = setUp();
    const ids = Array.from({ length: 95 }, (_one, index) => `capture-${index}`);
    events.tell('SPOOLED', ids);
    assert.deepEqual(
      sent.map(({ captureIds }) => captureIds.length),
      [40, 40],
    );
    await clock.advance(100);
    assert.deepEqual(
      sent.flatMap(({ captureIds }) => captureIds),
      ids,
    );
  });

  it('go out at once at the end', () => {
    const { events, sent } = setUp();
    events.tell('UPLOADED', ['a']);
    events.flush();
    assert.equal(sent.length, 1);
  });
});
