import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { EdgeManagerClient } from '../../../src/client/mod.js';
import { SeededRandom } from '../../../src/core/mod.js';
import type { Profile } from '../../../src/local/nucleus/mod.js';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { AppLoad, issuedRecord } from '../../lib/app-load.js';
import type { ComponentProcess } from '../../lib/component-process.js';
import { CONNECTED, FaultDevice, MODEL, UPLOADING } from '../../lib/fault-device.js';
import { longRun, reportFaultRow } from '../../lib/fault-table.js';
import { BOTH } from '../../lib/nucleus.js';
import { CLEAN, judge } from '../../lib/oracle.js';
import { isWithin, patientMs } from '../../lib/patience.js';
import { floats } from '../../lib/tensors.js';
import { until } from '../../lib/until.js';

const RESTARTS = longRun() ? 50 : 10;
const BACK_MS = 10_000;
/** A mutant that is not back by then is not on its way: the real ones take a second. */
const MUTANT_MS = 4000;

/** Agent and uploader on a device whose IPC restarts, and an app with the client SDK. */
class Restarts implements AsyncDisposable {
  readonly device: FaultDevice;
  readonly agent: ComponentProcess;
  readonly uploader: ComponentProcess;
  readonly #app: EdgeManagerClient;

  private constructor(
    device: FaultDevice,
    agent: ComponentProcess,
    uploader: ComponentProcess,
    app: EdgeManagerClient,
  ) {
    this.device = device;
    this.agent = agent;
    this.uploader = uploader;
    this.#app = app;
  }

  /** @param mutant what the agent does instead: see mutant.ts */
  static async start(profile: Profile, mutant?: 'old-identity' | 'exits'): Promise<Restarts> {
    const device = await FaultDevice.create({ profile });
    const agent = device.startAgent(
      device.shipped,
      mutant === undefined
        ? {}
        : {
            NODE_OPTIONS: `--import ${new URL('./mutant.js', import.meta.url).href}`,
            EDGE_MANAGER_MUTANT: mutant,
          },
    );
    const uploader = device.startUploader();
    await Promise.all([agent.said(CONNECTED), uploader.said(UPLOADING)]);
    await device.installModel();
    return new Restarts(device, agent, uploader, await device.bench.app('com.example.Watcher'));
  }

  /** @returns how long it took after the return of IPC until app, agent and uploader had done their work */
  async restart(limitMs: number): Promise<number> {
    await this.device.bench.nucleus.restartIpc();
    const backMs = systemClock.monotonicMs();
    const captureId = randomUUID();
    const left = (): number => Math.max(1, limitMs - (systemClock.monotonicMs() - backMs));
    await this.#app.predict(MODEL, [floats('x', [0])], { capture: 'always', captureId, timeoutMs: left() });
    await until(
      async () =>
        (await this.#app.captureStatus(captureId, { timeoutMs: Math.max(5000, left()) })).state ===
        'UPLOADED',
      'the uploader has delivered, and told the agent',
      left(),
    );
    return systemClock.monotonicMs() - backMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.agent.stop('SIGKILL'), this.uploader.stop('SIGKILL')]);
    await this.device[Symbol.asyncDispose]();
  }
}

describe('R21: IPC restarts under load', function () {
  this.timeout(900_000);

  for (const profile of BOTH) {
    it(`${profile}: app, agent and uploader serve again within 10 s each time, and no capture is lost`, async () => {
      await using restarts = await Restarts.start(profile);
      const { device, agent, uploader } = restarts;
      const load = await AppLoad.open(await device.bench.connect('com.example.App'), systemRandom);
      const random = new SeededRandom(21);
      load.start(40);
      let worstMs = 0;
      for (let restart = 1; restart <= RESTARTS; restart++) {
        const { records } = load.ackedOf;
        await until(() => load.ackedOf.records > records + 10, 'the load goes on');
        await systemClock.sleep(random.fraction() * 200);
        worstMs = Math.max(worstMs, await restarts.restart(patientMs(BACK_MS)));
        assert.ok(agent.isRunning && uploader.isRunning, 'nothing has ended');
      }
      await load.stop();
      await until(() => device.isDrained(), 'the spool is empty', 60_000);
      // The watcher's captures are known by their own answers.
      const isOfLoad = (captureId: string): boolean => issuedRecord(captureId) !== undefined;
      const delivered = (await device.delivered()).filter(({ captureId }) => isOfLoad(captureId));
      const acked = [...load.acked].filter(isOfLoad);
      const verdict = judge({ issued: issuedRecord, acked, delivered });
      reportFaultRow({
        row: 'R21',
        cycles: RESTARTS,
        lost: verdict.lost.length,
        duplicated: verdict.duplicated.length,
        corrupt: verdict.corrupt.length,
        note: `${profile}: acked=${acked.length}, unsent=${load.unsent}, back within ${Math.ceil(worstMs)} ms`,
      });
      assert.deepEqual(verdict, CLEAN);
      assert.ok(isWithin(worstMs, BACK_MS), `back after ${worstMs} ms`);
    });
  }

  for (const mutant of ['old-identity', 'exits'] as const) {
    it(`catches an agent that ${mutant === 'exits' ? 'ends' : 'keeps its identity'}`, async () => {
      await using restarts = await Restarts.start('lite', mutant);
      await assert.rejects(restarts.restart(MUTANT_MS));
      assert.equal(restarts.agent.isRunning, mutant !== 'exits');
      reportFaultRow({
        row: 'R21',
        cycles: 1,
        lost: 0,
        duplicated: 0,
        corrupt: 0,
        note: `mutant ${mutant} caught`,
      });
    });
  }
});
