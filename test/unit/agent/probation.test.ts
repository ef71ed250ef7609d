import { strict as assert } from 'node:assert';
import type { ModelEvent } from '../../../src/contract/mod.js';
import { ManualClock, SerialQueues, silentLogger } from '../../../src/core/mod.js';
import { memoryFiles } from '../../../src/disk/mod.js';
import { Counters } from '../../../src/runtime/agent/counters.js';
import { ProbationWatch } from '../../../src/runtime/agent/probation-watch.js';
import { parseConfiguration } from '../../../src/runtime/config/mod.js';
import { EMPTY_REGISTRY, promote, Registry, type VersionRecord } from '../../../src/runtime/registry/mod.js';
import { describeModel, predict, times } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A device whose disk lasts over its starts; 2.0.0 is on probation against 1.0.0. */
async function device(probation: object) {
  const files = memoryFiles();
  const clock = new ManualClock();
  const events: Omit<ModelEvent, 'v'>[] = [];
  const breaches: string[] = [];
  let writes = 0;
  const counted = {
    ...files,
    write: async (path: string, data: Uint8Array) => {
      writes++;
      await files.write(path, data);
    },
  };
  const open = async (): Promise<Registry> =>
    await Registry.open({
      file: '/registry.json',
      files: counted,
      logger: silentLogger,
      rebuild: async () => EMPTY_REGISTRY,
    });
  const first = await open();
  for (const version of ['1.0.0', '2.0.0']) {
    const digest = version.replaceAll('.', '').padEnd(64, '0');
    const record: VersionRecord = {
      version,
      digest,
      packageName: 'Vad',
      source: '/artifacts',
      kept: true,
      admitted: true,
      tries: 0,
    };
    await first.update((state) => promote(state, 'Vad', record, { probation: true }));
  }
  /** A start: what was counted before is gone, unless it was noted. */
  const start = async () => {
    const counters = new Counters(() => ({ running: 0, queued: 0 }));
    const watch = new ProbationWatch({
      registry: await open(),
      configuration: { current: parseConfiguration({ probation }).configuration },
      clock,
      logger: silentLogger,
      counters,
      events: { model: (event) => events.push(event) },
      served: { retire: () => undefined },
      rollback: {
        perform: async (_model, _version, reason) => {
          breaches.push(reason);
          return true;
        },
      },
      turns: new SerialQueues(),
      reconcile: () => undefined,
    });
    const answer = (version: string, count: number, runMs = 1): void => {
      for (let run = 0; run < count; run++) {
        counters.of(`Vad@${version}`).succeeded({ queueMs: 0, runMs, totalMs: runMs }, false, clock.wallMs());
        watch.check('Vad');
      }
    };
    /** As the agent does: it looks every few seconds; half a minute is as good. */
    const stayOn = async (ms: number): Promise<void> => {
      for (let onMs = 0; onMs < ms; onMs += MINUTE_MS / 2) {
        watch.check();
        await clock.advance(MINUTE_MS / 2);
      }
    };
    watch.check();
    return { answer, stayOn };
  };
  const passed = (): boolean => events.some(({ type }) => type === 'PROBATION_PASSED');
  return { start, passed, breaches, writes: () => writes };
}

describe('a probation', () => {
  it('ends on a device that loses its power every day, and writes seldom', async () => {
    const { start, passed, writes } = await device({ durationSeconds: 300, requests: 200 });
    const before = writes();
    let days = 0;
    while (!passed() && days < 40) {
      days++;
      const { answer, stayOn } = await start();
      answer('2.0.0', 3);
      await stayOn(HOUR_MS);
    }
    assert.ok(passed(), `it has not ended after ${days} days`);
    assert.ok(days >= 24 && days <= 28, `it took ${days} days of an hour each`);
    assert.ok(writes() - before <= days * 13, `${writes() - before} writes`);
  });

  it('counts requests over restarts', async () => {
    const { start, passed } = await device({ durationSeconds: 60, requests: 100 });
    for (let day = 0; day < 9; day++) {
      const { answer, stayOn } = await start();
      answer('2.0.0', 10);
      await stayOn(3 * MINUTE_MS);
    }
    assert.ok(!passed());
    const { answer } = await start();
    answer('2.0.0', 10);
    await until(passed, 'the hundredth request ends it');
  });

  it('is judged after a restart by what the former version did before it', async () => {
    const { start, breaches } = await device({ durationSeconds: 3600, requests: 1000, minimumRequests: 20 });
    const before = await start();
    before.answer('1.0.0', 50, 5);
    before.answer('2.0.0', 5, 5);
    await before.stayOn(3 * MINUTE_MS);
    const after = await start();
    after.answer('2.0.0', 19, 500);
    assert.deepEqual(breaches, []);
    after.answer('2.0.0', 1, 500);
    await until(() => breaches.length > 0, 'it is too slow');
    assert.match(breaches[0] ?? '', /beside 5\.\d ms before/);
  });

  it('goes on where it was when the agent is stopped and started', async () => {
    await using twins = await AgentTwins.create({
      configuration: { probation: { durationSeconds: 0, requests: 10, minimumRequests: 5 } },
    });
    await twins.register(await twins.package('1.0.0'));
    await twins.register(await twins.package('2.0.0'));
    await times(6, () => predict(twins));
    await twins.stop();
    await twins.start();
    assert.equal((await describeModel(twins)).probation?.requests, 6);
    await times(4, () => predict(twins));
    await twins.event('PROBATION_PASSED');
  });
});
