import { strict as assert } from 'node:assert';
import type { ModelEvent } from '../../../src/contract/mod.js';
import { ManualClock, SerialQueues, silentLogger } from '../../../src/core/mod.js';
import { memoryFiles } from '../../../src/disk/mod.js';
import { ProbationWatch } from '../../../src/runtime/agent/probation-watch.js';
import { ServedModels } from '../../../src/runtime/agent/served-models.js';
import { createMemoryModelHosts } from '../../../src/runtime/host/mod.js';
import type { LoadSpec, RunRequest } from '../../../src/runtime/host/port/mod.js';
import { parseConfiguration } from '../../../src/runtime/config/mod.js';
import { EMPTY_REGISTRY, promote, Registry, type VersionRecord } from '../../../src/runtime/registry/mod.js';
import { nextTurn } from '../../../src/system/mod.js';
import { describeModel, input, predict, times } from '../../lib/agent-requests.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { until } from '../../lib/until.js';
import { hostTensor } from '../../lib/model-hosts.js';

const FORMER_MS = 5;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const request: RunRequest = {
  caller: 'com.example.App',
  inputs: [hostTensor(input)],
  capture: { mode: 'never', captureId: 'a', clockSynchronised: true },
};

const specOf = (key: string): LoadSpec => ({
  key,
  folder: '/packages',
  trust: { policy: 'off', keys: [] },
  threads: 1,
  concurrency: 1,
  runSamples: false,
});

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
    const registry = await open();
    const served = new ServedModels({
      hosts: createMemoryModelHosts(clock, ({ key }) => ({
        run: () => ({ runMs: key === 'Vad@1.0.0' ? FORMER_MS : 1 }),
      })),
      clock,
      logger: silentLogger,
      spec: (model, version) => Promise.resolve(specOf(`${model}@${version}`)),
      makeRoom: () => Promise.resolve(),
      onLoaded: () => undefined,
      onDeath: () => undefined,
      onLoadFailed: () => undefined,
      onIdle: () => undefined,
    });
    await served.ensure(served.slot('Vad', '1.0.0'));
    const slot = served.slot('Vad', '2.0.0');
    const watch = new ProbationWatch({
      registry,
      configuration: { current: parseConfiguration({ probation }).configuration },
      clock,
      logger: silentLogger,
      events: { model: (event) => events.push(event) },
      served,
      failures: { judged: () => undefined },
      rollback: {
        perform: async (_model, _version, reason) => {
          breaches.push(reason);
          return true;
        },
      },
      turns: new SerialQueues(),
      reconcile: () => undefined,
    });
    const answer = async (count: number, runMs = 1): Promise<void> => {
      for (let run = 0; run < count; run++) {
        served.ran(slot);
        await watch.succeeded(slot, request, { outputs: [], runMs, nonFinite: false, captured: 'no' });
        await nextTurn();
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
      await answer(3);
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
      await answer(10);
      await stayOn(3 * MINUTE_MS);
    }
    assert.ok(!passed());
    const { answer } = await start();
    await answer(10);
    await until(passed, 'the hundredth request ends it');
  });

  it('is judged after a restart by what both versions do since', async () => {
    const { start, breaches } = await device({ durationSeconds: 3600, requests: 1000, minimumRequests: 20 });
    const before = await start();
    await before.answer(90, 500);
    await before.stayOn(3 * MINUTE_MS);
    assert.deepEqual(breaches, []);
    const after = await start();
    await after.answer(90, 500);
    assert.deepEqual(breaches, []);
    await after.answer(20, 500);
    await until(() => breaches.length > 0, 'it is too slow');
    assert.match(breaches[0] ?? '', /the median of 10 runs takes 500\.0 ms, and 5\.0 ms in the former/);
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
