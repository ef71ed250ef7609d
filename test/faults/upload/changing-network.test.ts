import assert from 'node:assert/strict';
import { systemClock, systemRandom } from '../../../src/system/mod.js';
import { AppLoad, issuedRecord } from '../../lib/app-load.js';
import { ChangingNetwork, type Trouble } from '../../lib/changing-network.js';
import type { ComponentProcess } from '../../lib/component-process.js';
import { CONNECTED, UPLOADING } from '../../lib/fault-device.js';
import { longRun, reportFaultRow, skipFaultRow } from '../../lib/fault-table.js';
import { CLEAN, judge } from '../../lib/oracle.js';
import { patientMs } from '../../lib/patience.js';
import { hasOpenssl } from '../../lib/private-authority.js';
import { TEST_BUCKET } from '../../lib/s3.js';
import { until } from '../../lib/until.js';

const { captures, minutes, periodMs, lastMs } = longRun()
  ? { captures: 20_000, minutes: 10, periodMs: 50, lastMs: 4000 }
  : { captures: 400, minutes: 0, periodMs: 40, lastMs: 0 };
/** What the gate of a store that came back may still wait. */
const BACK_MS = 60_000;

describe('R24: captures through a network that goes wrong in every way', () => {
  it('deliver each once, with proof, whatever answered in between', async function () {
    if (!hasOpenssl) {
      skipFaultRow('R24', 'changing answers: no openssl to make a private authority');
      return this.skip();
    }
    await using network = await ChangingNetwork.create();
    const { device, s3 } = network;
    await using agent = device.startAgent();
    await agent.said(CONNECTED);
    await device.installModel();
    await using uploader = device.startUploader();
    await uploader.said(UPLOADING);
    const load = await AppLoad.open(await device.bench.connect('com.example.App'), systemRandom);
    load.start(periodMs);
    const begunMs = systemClock.monotonicMs();
    const isOver = (): boolean =>
      systemClock.monotonicMs() - begunMs >= minutes * 60_000 && load.acked.size >= captures;
    let troubles = 0;
    let unproven = 0;
    do {
      for (const trouble of network.troubles()) {
        await pass(trouble, network, uploader);
        unproven += await network.unprovenReceipts();
        troubles++;
      }
    } while (!isOver());
    await load.stop();
    await until(async () => await device.isDrained(), 'the spool is empty', patientMs(120_000));

    unproven += await network.unprovenReceipts();
    const { capture } = await (await device.bench.app('com.example.Watcher')).stats({ timeoutMs: 10_000 });
    assert.deepEqual(capture?.drops, {});
    const delivered = await device.delivered();
    const verdict = judge({ issued: issuedRecord, acked: load.acked, delivered });
    const output = uploader.output + agent.output;
    for (const secret of network.secrets) assert.ok(!output.includes(secret), 'a secret in a log');
    const puts = s3.s3.log.filter(({ method }) => method === 'PUT');
    const seconds = Math.round((systemClock.monotonicMs() - begunMs) / 1000);
    reportFaultRow({
      row: 'R24',
      cycles: troubles,
      lost: verdict.lost.length,
      duplicated: verdict.duplicated.length,
      corrupt: verdict.corrupt.length,
      note: `changing answers: acked=${load.acked.size} delivered=${delivered.length} unproven receipts=${unproven} objects=${s3.s3.objects(TEST_BUCKET).length} puts=${puts.length} in ${seconds} s`,
    });
    assert.deepEqual(verdict, CLEAN);
    assert.equal(unproven, 0);
    assert.equal(capture?.delivered, delivered.length, 'what the agent was told is what lies in the store');
    assert.ok(load.acked.size >= captures || !longRun(), `only ${load.acked.size} captures`);
  });
});

/** Until the uploader has told of it, and a while longer; then until captures get through again. */
async function pass(trouble: Trouble, { s3 }: ChangingNetwork, uploader: ComponentProcess): Promise<void> {
  const told = uploader.output.length;
  await trouble.begin();
  await until(
    () => trouble.reason.test(uploader.output.slice(told)),
    `${trouble.name} is told of`,
    patientMs(BACK_MS),
  );
  await systemClock.sleep(lastMs);
  await trouble.end();
  const objects = (): number => s3.s3.objects(TEST_BUCKET).length;
  const before = objects();
  await until(() => objects() > before, `captures get through after ${trouble.name}`, patientMs(BACK_MS));
}
