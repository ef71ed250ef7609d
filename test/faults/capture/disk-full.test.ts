import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { longRun, reportFaultRow, skipFaultRow } from '../../lib/fault-table.js';
import { fillDisk, mountMissing, mountTmpfs, unmountOnceLeft } from '../../lib/mounts.js';
import { CLEAN, judge } from '../../lib/oracle.js';
import { until } from '../../lib/until.js';
import { AppLoad, issuedRecord } from '../../lib/app-load.js';
import { CONNECTED, FaultDevice, UPLOADING } from '../../lib/fault-device.js';

const RECOVERY_MS = 5000;
/** Room for the package, its compiled cache and the spool. */
const DISK_MIB = 16;

describe("faults: the disk of the agent's whole work folder is full", function () {
  it('R6: every prediction is answered, captures are refused and counted, and it recovers alone', async function () {
    const missing = mountMissing('mount');
    if (missing !== undefined) {
      skipFaultRow('R6', `the real agent: ${missing}`);
      this.skip();
    }
    await using device = await FaultDevice.create();
    mountTmpfs(device.bench.workFolder, DISK_MIB);
    try {
      await fullDiskCycles(device, longRun() ? 200 : 12);
    } finally {
      await unmountOnceLeft(device.bench.workFolder);
    }
  });
});

async function fullDiskCycles(device: FaultDevice, cycles: number): Promise<void> {
  await using agent = device.startAgent();
  await using uploader = device.startUploader();
  await Promise.all([agent.said(CONNECTED), uploader.said(UPLOADING)]);
  await device.installModel();
  const load = await AppLoad.open(await device.bench.connect('com.example.App'), systemRandom);
  const client = await device.bench.app('com.example.Watcher');
  const hog = join(device.bench.workFolder, 'hog');
  load.start();
  let slowestMs = 0;
  let refused = 0;
  for (let cycle = 0; cycle < cycles; cycle++) {
    // Something must wait in the spool, so that its going makes room: the uploader is held meanwhile.
    uploader.child.kill('SIGSTOP');
    const queued = load.acked.size;
    await until(() => load.acked.size > queued + 100, 'the spool holds some records');
    const before = load.refused;
    while (load.refused < before + 10) {
      fillDisk(hog);
      await systemClock.sleep(10);
    }
    refused += load.refused - before;
    uploader.child.kill('SIGCONT');
    const begunMs = systemClock.monotonicMs();
    const acked = load.acked.size;
    await until(() => load.acked.size > acked, 'a capture is acknowledged again', RECOVERY_MS);
    slowestMs = Math.max(slowestMs, systemClock.monotonicMs() - begunMs);
    await rm(hog);
    await systemClock.sleep(100);
  }
  await load.stop();
  await until(() => load.predictions === load.answered, 'every prediction is answered', 10_000);
  const fresh = await load.submit();
  await until(() => load.acked.has(fresh), 'a fresh record is acknowledged', 10_000);
  const { capture } = await client.stats();
  await until(async () => await device.isDrained(), 'the spool is empty', 60_000);
  const verdict = judge({ issued: issuedRecord, acked: load.acked, delivered: await device.delivered() });
  const noSpace = capture?.drops['no-space'] ?? 0;
  reportFaultRow({
    row: 'R6',
    cycles,
    lost: verdict.lost.length,
    duplicated: verdict.duplicated.length,
    corrupt: verdict.corrupt.length,
    note:
      `components: predictions=${load.predictions} failed=${load.failed} acked=${load.acked.size} ` +
      `refused=${refused} counted=${noSpace} slowestRecoveryMs=${Math.round(slowestMs)}`,
  });
  assert.deepEqual(verdict, CLEAN);
  assert.equal(load.failed, 0, 'a prediction failed');
  assert.ok(noSpace >= load.refused, `${load.refused} were refused, ${noSpace} counted`);
  assert.ok(agent.isRunning && uploader.isRunning, 'nobody had to start again');
}
