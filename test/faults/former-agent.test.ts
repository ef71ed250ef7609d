import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '../../src/system/mod.js';
import { AppLoad, issuedRecord } from '../lib/app-load.js';
import { buildFormer, FORMER, withoutHistory } from '../lib/former-agent.js';
import { CONNECTED, FaultDevice, MODEL, UPLOADING, type Programs } from '../lib/fault-device.js';
import { longRun, reportFaultRow, skipFaultRow } from '../lib/fault-table.js';
import { CLEAN, judge } from '../lib/oracle.js';
import { until } from '../lib/until.js';

/** Who runs: Greengrass updates and rolls back two components, each in its own time. */
const TURNS = [
  { agent: 'now', uploader: 'now', stop: 'SIGTERM' },
  { agent: 'former', uploader: 'former', stop: 'SIGKILL' },
  { agent: 'now', uploader: 'former', stop: 'SIGKILL' },
  { agent: 'former', uploader: 'now', stop: 'SIGTERM' },
  { agent: 'now', uploader: 'now', stop: 'SIGKILL' },
  { agent: 'former', uploader: 'former', stop: 'SIGTERM' },
  { agent: 'now', uploader: 'now', stop: 'SIGTERM' },
] as const;

describe('faults: the agent is rolled back to a former one', () => {
  it(`R20: now and ${FORMER} by turns under load: the model is served, and no capture is lost`, async function () {
    const why = longRun() ? withoutHistory() : 'npm run test:faults -- --long builds the former agent';
    if (why !== undefined) {
      skipFaultRow('R20', `rolled back to ${FORMER}: ${why}`);
      this.skip();
    }
    const checkout = mkdtempSync(join(tmpdir(), 'former-'));
    try {
      await takeTurns(buildFormer(checkout));
    } finally {
      rmSync(checkout, { recursive: true, force: true });
    }
  });
});

async function takeTurns(former: Programs): Promise<void> {
  await using device = await FaultDevice.create();
  const programs = { now: device.shipped, former };
  const load = await AppLoad.open(await device.bench.connect('com.example.App'), systemRandom);
  const app = await device.bench.app('com.example.Watcher');
  let served = '';
  load.start(10);
  for (const [turn, { agent: which, uploader: whose, stop }] of TURNS.entries()) {
    const names = `turn ${turn}, agent ${which}, uploader ${whose}`;
    await using agent = device.startAgent(programs[which]);
    await using uploader = device.startUploader(programs[whose]);
    await Promise.all([agent.said(CONNECTED), uploader.said(UPLOADING)]);
    if (served !== '') {
      const { predictions } = load.ackedOf;
      await until(() => load.ackedOf.predictions > predictions, `${names}: the model answers`);
      assert.equal((await app.describeModel({ name: MODEL })).version, served, names);
      // At its start a model component registers anew what is here already.
      await device.installModel({ version: served });
    }
    // Now the model is updated, so that each agent meets what the other wrote of it.
    served = `1.${turn}.0`;
    await device.installModel({ version: served });
    const { records, predictions } = load.ackedOf;
    await until(
      () => load.ackedOf.records > records + 100 && load.ackedOf.predictions > predictions + 50,
      `${names}: captures are kept`,
    );
    const before = device.s3.s3.objects(device.bucket).length;
    await until(() => device.s3.s3.objects(device.bucket).length > before, `${names}: captures go out`);
    await Promise.all([agent.stop(stop), uploader.stop(stop)]);
  }
  await using agent = device.startAgent();
  await using uploader = device.startUploader();
  await Promise.all([agent.said(CONNECTED), uploader.said(UPLOADING)]);
  await load.stop();
  await until(() => device.isDrained(), 'the spool is empty', 120_000);
  const delivered = await device.delivered();
  const verdict = judge({ issued: issuedRecord, acked: load.acked, delivered });
  reportFaultRow({
    row: 'R20',
    cycles: TURNS.length,
    lost: verdict.lost.length,
    duplicated: verdict.duplicated.length,
    corrupt: verdict.corrupt.length,
    note: `rolled back to ${FORMER}: acked=${load.acked.size} delivered=${delivered.length}`,
  });
  assert.deepEqual(verdict, CLEAN);
}
