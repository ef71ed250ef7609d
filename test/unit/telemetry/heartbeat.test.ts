import assert from 'node:assert/strict';
import {
  HeartbeatReport,
  isCutSummary,
  parseSummary,
  SUMMARY_MAX_CHARS,
  summarize,
  type HeartbeatDocument,
} from '../../../src/contract/mod.js';
import { EdgeError, ManualClock, SeededRandom, silentLogger, validate } from '../../../src/core/mod.js';
import { heartbeatPayload, heartbeatReport, startHeartbeat } from '../../../src/telemetry/mod.js';

const MINUTE_MS = 60_000;

function document(version = '5.0.0'): HeartbeatDocument {
  return {
    agentVersion: '0.1.0',
    device: 'oven-1',
    fleet: 'ovens',
    models: [{ name: 'mnist', version, state: 'SERVING', p99Ms: 4, requests: 10, errors: 0 }],
    capture: { delivered: 0, dropped: 0, queuedRecords: 0, queueBytes: 0 },
  };
}

function harness(intervalMinutes = 15) {
  const clock = new ManualClock();
  const sent: { topic: string; report: HeartbeatReport }[] = [];
  const state = { collected: document(), fail: false };
  const heartbeat = startHeartbeat({
    greengrass: {
      publishToIotCore: (topic, payload) => {
        if (state.fail) return Promise.reject(new EdgeError('UNAVAILABLE', 'Cannot reach AWS IoT'));
        const text = JSON.parse(Buffer.from(payload).toString()) as { state: { reported: unknown } };
        // As a shadow does: what is null leaves it.
        const all = Object.entries(text.state.reported as Record<string, unknown>);
        const reported = Object.fromEntries(all.filter(([, value]) => value !== null));
        sent.push({ topic, report: validate(HeartbeatReport, reported, 'Cannot read the report') });
        return Promise.resolve();
      },
    },
    thingName: 'thing-1',
    collect: () => state.collected,
    intervalMinutes,
    clock,
    random: new SeededRandom(7),
    logger: silentLogger,
  });
  return { clock, sent, state, heartbeat };
}

describe('heartbeat', () => {
  it('reports into the named shadow of the thing at start and within each interval', async () => {
    const { clock, sent, heartbeat } = harness();
    await clock.advance(1000);
    assert.equal(sent.length, 1);
    assert.equal(sent[0]?.topic, '$aws/things/thing-1/shadow/name/edge-manager/update');
    await clock.advance(15 * MINUTE_MS);
    assert.equal(sent.length, 2);
    heartbeat.close();
    await clock.advance(60 * MINUTE_MS);
    assert.equal(sent.length, 2);
  });

  it('reports a change of version within seconds, once for a burst, and none without a change', async () => {
    const { clock, sent, state, heartbeat } = harness();
    await clock.advance(2000);
    heartbeat.changed();
    await clock.advance(5000);
    assert.equal(sent.length, 1);
    state.collected = document('6.0.0');
    for (let index = 0; index < 10; index++) heartbeat.changed();
    await clock.advance(5000);
    assert.equal(sent.length, 2);
    assert.equal(sent[1]?.report.models[0]?.version, '6.0.0');
  });

  it('sends the newest report again after failures, and queues nothing', async () => {
    const { clock, sent, state, heartbeat } = harness();
    state.fail = true;
    await clock.advance(20 * MINUTE_MS);
    assert.equal(sent.length, 0);
    state.collected = document('6.0.0');
    heartbeat.changed();
    state.fail = false;
    await clock.advance(11 * MINUTE_MS);
    assert.ok(sent.length >= 1 && sent.length <= 2);
    assert.equal(sent[0]?.report.models[0]?.version, '6.0.0');
  });

  it('refuses an interval outside 1 to 1440 minutes', () => {
    assert.throws(() => harness(0), /'intervalMinutes' must be between 1 and 1440: current value is 0/);
  });

  it('fits the shadow with any number of models, serving ones first', () => {
    const models = Array.from({ length: 200 }, (_, index) => ({
      name: `model-${index}`,
      version: '1.0.0',
      state: index === 150 ? ('SERVING' as const) : ('UNLOADED' as const),
      reason: 'x'.repeat(150),
    }));
    const payload = heartbeatPayload(heartbeatReport({ ...document(), models }, 0, 15));
    assert.ok(payload.length <= 8192);
    assert.match(Buffer.from(payload).toString(), /"name":"model-150"/);
  });

  it('says the same of equal devices in one string, and reads it back', () => {
    const a = { name: 'a', version: '1.0.0', state: 'SERVING', sampling: true } as const;
    const b = { name: 'b', version: '2.0.0-rc.1', state: 'ROLLED_BACK', drifted: true } as const;
    assert.equal(summarize([a, b]), summarize([b, a]));
    assert.deepEqual(parseSummary(summarize([b, a])), [
      { name: 'a', version: '1.0.0', state: 'SERVING', drifted: false, sampling: true },
      { name: 'b', version: '2.0.0-rc.1', state: 'ROLLED_BACK', drifted: true, sampling: false },
    ]);
    const doubtful = summarize([{ ...a, unadmitted: true }]);
    assert.equal(doubtful, 'a@1.0.0/SERVING+sampling+unadmitted');
    assert.equal(parseSummary(doubtful)[0]?.doubt, 'unadmitted');
    const fallenBack = summarize([
      { ...a, provider: 'CPUExecutionProvider', fallback: true, unadmitted: true },
    ]);
    assert.equal(fallenBack, 'a@1.0.0/SERVING+sampling+fallback+unadmitted');
    assert.equal(parseSummary(fallenBack)[0]?.fallback, true);
    assert.deepEqual(parseSummary(summarize([])), []);
  });

  it('keeps what is in use where a summary has no room for all, and says that it left something out', () => {
    const states = ['UNLOADED', 'ROLLED_BACK', 'FAILED', 'LOADING', 'SERVING', 'QUARANTINED'] as const;
    const models = Array.from({ length: 120 }, (_, index) => ({
      name: `model-${String(index % 20).padStart(2, '0')}`,
      version: `1.0.${index}`,
      state: states[index % 60] ?? ('UNLOADED' as const),
      ...(index === 61 ? { wanted: true } : {}),
    }));
    const summary = summarize(models);
    assert.equal(summarize(models.toReversed()), summary);
    assert.ok(summary.length <= SUMMARY_MAX_CHARS && isCutSummary(summary), summary);
    const parsed = parseSummary(summary);
    const kept = parsed.map(({ name, version }) => `${name}@${version}`);
    assert.deepEqual(kept, kept.toSorted());
    for (const { name, version, state, ...more } of models)
      if (state === 'SERVING' || state === 'LOADING' || 'wanted' in more)
        assert.ok(kept.includes(`${name}@${version}`), `${name}@${version} ${state}`);
    // What only tells of the past goes first.
    assert.deepEqual(
      parsed.filter(({ state }) => ['ROLLED_BACK', 'QUARANTINED', 'FAILED'].includes(state)).length,
      1,
    );
  });

  it('takes a summary for whole while it has room, and a longer one, as older agents sent, for cut', () => {
    const whole = summarize([{ name: 'a', version: '1.0.0', state: 'SERVING' }]);
    assert.equal(isCutSummary(whole), false);
    assert.equal(isCutSummary('none'), false);
    assert.equal(isCutSummary(`${whole};${'x'.repeat(SUMMARY_MAX_CHARS)}`), true);
  });
});
