import { strict as assert } from 'node:assert';
import { dirname } from 'node:path';
import { listClosed, openSegment, ReceiptWriter } from '../../../src/capture/mod.js';
import { performLocalCommand } from '../../../src/client/local/local-commands.js';
import { MemoryDisk } from '../../../src/disk/mod.js';
import { openEntrance } from '../../lib/admin-entrance.js';
import { AgentTwins } from '../../lib/agent-twins.js';
import { testRecord } from '../../lib/spool-fixture.js';

const REASON = 'The store refuses this object for good (400 EntityTooLarge)';

describe('edge-manager local captures', () => {
  it('lists what the store refused, and brings it back by id, by reason, or all', async () => {
    await using device = await Device.create();
    await device.refuse(['first-1', 'first-2'], REASON);
    await device.refuse(['second-1'], 'The store refuses this object for good (400 KeyTooLongError)');
    await device.refuse(['third-1'], REASON);
    assert.match(
      (await device.local('list', '--quarantined')).out,
      /SEGMENT\s+CAPTURES\s+BYTES\s+REASON\s+IDS\n.*\s2\s.*EntityTooLarge\)\s+first-1, first-2\n.*second-1\n.*third-1$/,
    );
    assert.deepEqual(device.heartbeat(), { dropped: 4, quarantined: 4 });

    const byId = await device.json('requeue', 'first-2', 'nobody', '--json');
    assert.equal(byId.records, 2);
    assert.deepEqual(byId.elsewhere, [{ captureId: 'nobody', state: 'UNKNOWN' }]);
    const again = await device.json('requeue', 'first-2', '--json');
    assert.deepEqual([again.records, again.elsewhere], [0, [{ captureId: 'first-2', state: 'SPOOLED' }]]);

    const byReason = await device.local('requeue', '--reason', 'keytoolong');
    assert.deepEqual(byReason, {
      code: 0,
      out: '1 captures of 1 segments wait for the uploader again',
      error: '',
    });
    assert.deepEqual(device.heartbeat(), { dropped: 1, quarantined: 1 });
    assert.equal((await device.json('requeue', '--all', '--json')).records, 1);
    assert.equal((await device.local('list', '--quarantined')).out, 'No captures in quarantine');
    assert.deepEqual(device.heartbeat(), { dropped: 0, quarantined: undefined });
    assert.equal(device.twins.dependencies.capture.stats().queuedRecords, 4);
  });

  it('brings back more than one message can tell of', async () => {
    await using device = await Device.create();
    for (let segment = 0; segment < 25; segment++) {
      const ids = Array.from({ length: 60 }, (_, index) => `${segment}-${index}-${'x'.repeat(110)}`);
      await device.refuse(ids, REASON);
    }
    const listed = JSON.parse((await device.local('list', '--quarantined', '--json')).out) as unknown[];
    assert.equal(listed.length, 25);
    assert.equal((await device.json('requeue', '--all', '--json')).records, 1500);
  });

  it('says what to give', async () => {
    await using device = await Device.create();
    for (const [args, told] of [
      [['requeue'], /exactly one of ids, --reason and --all must be given: current number is 0/],
      [['requeue', 'a', '--all'], /current number is 2/],
      [['list'], /must be followed by list --quarantined, or by requeue: current value is list/],
      [['requeue', 'no id'], /captureIds/],
    ] as const) {
      const { code, error } = await device.local(...args);
      assert.equal(code, 1);
      assert.match(error, told);
    }
  });
});

class Device implements AsyncDisposable {
  readonly twins: AgentTwins;
  readonly #disk: MemoryDisk;

  private constructor(twins: AgentTwins, disk: MemoryDisk) {
    this.twins = twins;
    this.#disk = disk;
  }

  static async create(): Promise<Device> {
    const disk = new MemoryDisk();
    return new Device(
      await AgentTwins.create({
        disk,
        configuration: { admin: { operations: ['listQuarantined', 'requeueCaptures'] } },
      }),
      disk,
    );
  }

  /** As the uploader does with captures that the store names as what it will never take. */
  async refuse(captureIds: readonly string[], reason: string): Promise<void> {
    const { capture } = this.twins.dependencies;
    const root = `${this.twins.folder}/spool`;
    await Promise.all(captureIds.map((captureId) => capture.append({ ...testRecord(1), captureId })));
    const layout = { prefix: 'p', fleet: 'f', device: 'd', batchSize: 100 };
    // Another policy closes what is open.
    capture.configure({
      layout: { ...layout, embedLimitBytes: 3072 + this.#disk.files().size, referenceBase: '' },
    });
    const names = async () => await listClosed(this.#disk, root);
    while ((await names()).every(({ records }) => records !== captureIds.length))
      await new Promise((resolve) => setImmediate(resolve));
    for (const name of await names()) {
      const segment = await openSegment(this.#disk, root, name);
      const objects = [...segment.objects()];
      if (!objects.some((object) => object.captureIds.some((id) => captureIds.includes(id)))) continue;
      await new ReceiptWriter(this.#disk, root).write(name, {
        finishedMs: 0,
        lostRecords: 0,
        objects: objects.map(({ key, sha256, bytes, captureIds: ids }) => ({
          key,
          sha256,
          sizeBytes: bytes.byteLength,
          captureIds: [...ids],
          outcome: 'quarantined' as const,
          reason,
        })),
      });
    }
    await capture.reconcile();
  }

  heartbeat(): { readonly dropped: number; readonly quarantined: number | undefined } {
    const { dropped, quarantined } = this.twins.agent.heartbeat.collect().capture;
    return { dropped, quarantined };
  }

  async local(...args: string[]) {
    await using entrance = await openEntrance(this.twins);
    const lines = { out: [] as string[], error: [] as string[] };
    const code = await performLocalCommand(['captures', ...args, '--work', dirname(entrance.path)], {
      out: (line) => lines.out.push(line),
      error: (line) => lines.error.push(line),
    });
    return { code, out: lines.out.join('\n'), error: lines.error.join('\n') };
  }

  async json(...args: string[]) {
    const { code, out, error } = await this.local(...args);
    assert.equal(code, 0, error);
    return JSON.parse(out) as { readonly records: number; readonly elsewhere: readonly unknown[] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.twins[Symbol.asyncDispose]();
  }
}
