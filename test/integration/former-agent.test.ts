import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../examples/stage/root.js';
import { float32 } from '../../src/client/mod.js';
import { issuedRecord } from '../lib/app-load.js';
import { CONNECTED, FaultDevice, UPLOADING } from '../lib/fault-device.js';
import { CLEAN, judge } from '../lib/oracle.js';
import { floats } from '../lib/tensors.js';
import { until } from '../lib/until.js';

const KEPT = join(ROOT, 'test', 'data', 'device-192c4d1', 'device');

/** What that device's app knew when it was kept. */
interface Expected {
  /** Captures acknowledged as durable. */
  readonly acked: readonly string[];
  /** Of these: lost to the damage that the disk did. */
  readonly lost: readonly string[];
  /** Of these: in the store before. */
  readonly delivered: readonly string[];
  /** Captures in open and closed segments, some of them not acknowledged yet. */
  readonly waiting: number;
}

describe('what an agent of commit 192c4d1 left', () => {
  it('is served and delivered, each capture once', async () => {
    const expected = JSON.parse(await readFile(join(KEPT, 'expected.json'), 'utf8')) as Expected;
    const gone = new Set([...expected.lost, ...expected.delivered]);
    await using device = await FaultDevice.create({ left: KEPT });
    await using agent = device.startAgent();
    await using uploader = device.startUploader();
    await Promise.all([agent.said(CONNECTED), uploader.said(UPLOADING)]);

    const app = await device.bench.app();
    for (const [model, given, answer] of [
      ['Identity', 7, 7],
      ['Log', 1, 0],
    ] as const) {
      const { outputs } = await app.predict(model, [floats('x', [given])], {
        capture: 'never',
        timeoutMs: 20_000,
      });
      assert.deepEqual(
        outputs.map((output) => [...float32(output)]),
        [[answer]],
        model,
      );
    }
    const states = new Map(
      (await app.listModels()).map(({ name, version, state }) => [`${name} ${version}`, state]),
    );
    assert.equal(states.get('Identity 1.1.0'), 'PROBATION');
    assert.equal(states.get('Identity 1.2.0'), 'FAILED');
    assert.equal(states.get('Log 1.0.0'), 'SERVING');
    // At a boot each model component registers again.
    const again = join(device.bench.root, 'artifacts', 'Identity-1.1.0');
    const { code, output } = await device.bench.register(again, 'org.edgemanager.model.Identity');
    assert.equal(code, 0, output);

    await until(() => device.isDrained(), 'the spool is empty', 60_000);
    const delivered = await device.delivered();
    assert.deepEqual(judge({ issued: issuedRecord, acked: expected.acked, delivered, dropped: gone }), CLEAN);
    assert.equal(delivered.length, expected.waiting);
    assert.equal(
      delivered.some(({ captureId }) => gone.has(captureId)),
      false,
    );
    const aside = await readdir(join(device.bench.workFolder, 'spool', 'quarantine'));
    assert.equal(aside.filter((name) => !name.endsWith('.fate')).length, 2);
  });
});
