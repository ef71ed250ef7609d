import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectAdmin } from '../../src/client/mod.js';
import { systemRandom } from '../../src/system/mod.js';
import { AppLoad, issuedRecord } from '../lib/app-load.js';
import { CONNECTED, FaultDevice, UPLOADING } from '../lib/fault-device.js';
import { CLEAN, judge } from '../lib/oracle.js';
import { until } from '../lib/until.js';

const run = promisify(execFile);

describe('captures that a store refused by name', () => {
  it('are brought back on the device once the store takes them, through a kill, and arrive once', async () => {
    await using device = await FaultDevice.create({
      agent: { admin: { operations: ['listQuarantined', 'requeueCaptures'] } },
    });
    // As a bucket behind a gateway with a limit of its own.
    device.s3.s3.setFaults(({ method }) =>
      method === 'PUT' ? { kind: 'status', status: 400, code: 'EntityTooLarge' } : undefined,
    );
    const load = await AppLoad.open(await device.bench.connect('com.example.App'), systemRandom);
    const local = async (...args: string[]): Promise<string> => {
      const { workFolder } = device.bench;
      const program = join(workFolder, 'bin', 'edge-manager');
      return (await run(program, ['captures', ...args], { cwd: workFolder })).stdout;
    };
    const held = async (): Promise<number> => {
      const segments = JSON.parse(await local('list', '--quarantined', '--json')) as { records: number }[];
      return segments.reduce((sum, { records }) => sum + records, 0);
    };
    {
      await using agent = device.startAgent();
      await agent.said(CONNECTED);
      await device.installModel();
      await using uploader = device.startUploader();
      await uploader.said(UPLOADING);
      load.start(20);
      await until(() => load.acked.size >= 20, 'captures are acknowledged');
      await load.stop();
      {
        // The command would be a process each time.
        await using admin = await connectAdmin(join(device.bench.workFolder, 'admin.sock'));
        const quarantined = async (): Promise<number> => {
          const { segments } = await admin.listQuarantined({}, { timeoutMs: 10_000 });
          return segments.reduce((sum, { records }) => sum + records, 0);
        };
        await until(async () => (await quarantined()) === load.acked.size, 'all are in quarantine', 60_000);
      }
      assert.equal(await held(), load.acked.size);
      assert.match(await local('list', '--quarantined'), /EntityTooLarge/);
      await uploader.stop('SIGTERM');
      const [first = ''] = load.acked;
      assert.match(
        await local('requeue', first),
        /^[1-9]\d* captures of 1 segments wait for the uploader again/,
      );
      // While the others come back.
      const others = local('requeue', '--reason', 'entitytoolarge').catch(() => '');
      await agent.stop('SIGKILL');
      await others;
    }
    device.s3.s3.setFaults(undefined);
    await using agent = device.startAgent();
    await agent.said(CONNECTED);
    await local('requeue', '--all');
    assert.equal(await held(), 0);
    await using uploader = device.startUploader();
    await uploader.said(UPLOADING);
    await until(async () => await device.isDrained(), 'the spool is empty', 60_000);
    const delivered = await device.delivered();
    assert.deepEqual(judge({ issued: issuedRecord, acked: load.acked, delivered }), CLEAN);
    const { capture } = await (await device.bench.app('com.example.Watcher')).stats({ timeoutMs: 10_000 });
    assert.deepEqual([capture?.drops, capture?.delivered], [{}, delivered.length]);
  });
});
