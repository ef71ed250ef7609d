import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  claimSegment,
  outlineRecord,
  isClaimed,
  listClosed,
  objectsOf,
  openSegment,
  parseRecords,
  readContent,
  SegmentBuilder,
  segmentBase,
  spoolFolders,
  ReceiptWriter,
  type ClosedName,
} from '../../../src/capture/mod.js';
import { EdgeError, finish } from '../../../src/core/mod.js';
import { MemoryDisk } from '../../../src/disk/mod.js';

import { buildSegment, bytesOf, putClosedSegment, testRecord, TEST_LAYOUT } from '../../lib/spool-fixture.js';

const ROOT = '/spool';

describe('a closed segment', () => {
  it('gives objects of one model and hour, with Edge Manager keys and at most batchSize records', async () => {
    const disk = new MemoryDisk();
    const late = Date.UTC(2026, 2, 4, 6, 0, 0);
    const records = [
      ...Array.from({ length: 12 }, (_, index) => testRecord(index)),
      testRecord(12, { inferenceTimeMs: late }),
      testRecord(13, { model: 'Other' }),
    ];
    const name = await putClosedSegment(disk, ROOT, records);
    const objects = [...(await openSegment(disk, ROOT, name)).objects()];
    assert.deepEqual(
      objects.map(({ key, captureIds }) => [key.replace(/[0-9a-f]{32}/, 'HEX'), captureIds.length]),
      [
        ['sme-capture/test-fleet/TestModel/2026/03/04/05/HEX.jsonl', 10],
        ['sme-capture/test-fleet/TestModel/2026/03/04/05/HEX.jsonl', 2],
        ['sme-capture/test-fleet/TestModel/2026/03/04/06/HEX.jsonl', 1],
        ['sme-capture/test-fleet/Other/2026/03/04/05/HEX.jsonl', 1],
      ],
    );
    assert.equal(new Set(objects.map(({ key }) => key)).size, 4);
  });

  it('renders the same bytes under the same keys each time', async () => {
    const disk = new MemoryDisk();
    const name = await putClosedSegment(disk, ROOT, [testRecord(1), testRecord(2)]);
    const once = [...(await openSegment(disk, ROOT, name)).objects()];
    assert.deepEqual([...(await openSegment(disk, ROOT, name)).objects()], once);
  });

  it('gives the tensors back, inline and by file, and says what redaction did and what computed them', async () => {
    const disk = new MemoryDisk();
    const large = bytesOf(5, 4000);
    const name = await putClosedSegment(disk, ROOT, [
      testRecord(1, {
        inputs: [{ name: 'image', datatype: 'UINT8', shape: [1, 4000], data: large }],
        auxiliaryInputs: [{ name: 'frame', encoding: 'NONE', contentType: 'jpg', data: bytesOf(1, 9) }],
        redactions: [{ name: 'badge', mode: 'input', action: 'drop' }],
        provider: 'CUDAExecutionProvider',
      }),
    ]);
    const [raw, lines] = [...(await openSegment(disk, ROOT, name)).objects()];
    const [record] = parseRecords(lines?.bytes ?? new Uint8Array(0));
    assert.match(
      raw?.key ?? '',
      /^sme-capture\/test-fleet\/TestModel\/2026\/03\/04\/05\/raw-data\/input-tensors\/[0-9a-f]{32}\.bin$/,
    );
    assert.deepEqual(new Uint8Array(raw?.bytes ?? []), large);
    assert.equal(record?.inputs[0]?.reference, raw?.key);
    assert.equal(record?.inputs[0]?.sha256, raw?.sha256);
    assert.deepEqual(record?.inputs[0]?.shape, [1, 4000]);
    assert.deepEqual(new Uint8Array(record?.outputs[0]?.data ?? []), bytesOf(2, 4));
    assert.equal(record?.outputs[0]?.datatype, 'FP32');
    assert.equal(record?.auxiliaryInputs[0]?.contentType, 'jpg');
    assert.equal(record?.metadata.inferenceTime, '2026-03-04T05:06:07');
    assert.equal(record?.metadata.provider, 'CUDAExecutionProvider');
    assert.deepEqual(record?.metadata.redactions, [{ name: 'badge', mode: 'input', action: 'drop' }]);
  });

  it('corrects times of a boot whose clock was set later', () => {
    const record = testRecord(1, { inferenceTimeMs: 5, clockSynchronised: false });
    const stamp = { sequence: 1, bootId: 'boot-1', monotonicMs: 4000 };
    const hourOf = (bootId: string): string => {
      const builder = new SegmentBuilder(segmentBase(1, 'sample', 7), {
        v: 1,
        bootId,
        openedMs: 0,
        layout: TEST_LAYOUT,
      });
      const encoded = finish(outlineRecord(record, stamp).encode());
      const frame = finish(builder.recordFrame(encoded, { ...record, ...stamp }));
      const reference = { bootId, wallMs: Date.UTC(2026, 5, 1, 12, 0, 0), monotonicMs: 5000 };
      const bytes = Buffer.concat([...frame, builder.footerFrame(0, reference)]);
      return readContent(bytes, 7).footer?.objects[0]?.key.replace(/[0-9a-f]{32}.*/, '') ?? '';
    };
    assert.equal(hourOf('boot-1'), 'sme-capture/test-fleet/TestModel/2026/06/01/11/');
    assert.equal(hourOf('boot-2'), 'sme-capture/test-fleet/TestModel/1970/01/01/00/');
  });

  it('does not take frames inside captured data for its own, even where a header is damaged', () => {
    const inner = buildSegment([testRecord(666)], 99);
    const { name, bytes } = buildSegment([
      testRecord(1),
      testRecord(2, {
        inputs: [{ name: 'evil', datatype: 'UINT8', shape: [inner.bytes.byteLength], data: inner.bytes }],
      }),
      testRecord(3),
    ]);
    const second = readContent(bytes, name.nonce).records[1]?.frame.offset ?? 0;
    const damaged = bytes.slice();
    damaged[second + 13] = (damaged[second + 13] ?? 0) ^ 1;
    assert.deepEqual(
      readContent(damaged, name.nonce).records.map(({ record }) => record.captureId),
      ['capture-1', 'capture-3'],
    );
  });

  it('lists most urgent first, oldest or newest first', async () => {
    const disk = new MemoryDisk();
    for (const [sequence, priority] of [
      [1, 'sample'],
      [5, 'sample'],
      [9, 'error'],
    ] as const) {
      await putClosedSegment(disk, ROOT, [testRecord(sequence, { priority })], sequence);
    }
    disk.put(`${ROOT}/closed/notes.txt`, new Uint8Array(3));
    assert.deepEqual(
      (await listClosed(disk, ROOT)).map(({ firstSequence }) => firstSequence),
      [9, 1, 5],
    );
    assert.deepEqual(
      (await listClosed(disk, ROOT, 'newest')).map(({ firstSequence }) => firstSequence),
      [9, 5, 1],
    );
  });

  it('is claimed by a live process until it is released', async () => {
    const disk = new MemoryDisk();
    const name = await putClosedSegment(disk, ROOT, [testRecord(1)]);
    const release = await claimSegment(disk, ROOT, name);
    assert.equal(await isClaimed(disk, ROOT, name.base), true);
    await release();
    assert.equal(await isClaimed(disk, ROOT, name.base), false);
    disk.put(`${spoolFolders(ROOT).claims}/${name.base}.1.42`, new Uint8Array(0));
    assert.equal(await isClaimed(disk, ROOT, name.base), false, 'process 1 did not start at tick 42');
  });

  it('leaves no claim of a process that was killed, whatever became of its segment', async () => {
    const disk = new MemoryDisk();
    const { claims } = spoolFolders(ROOT);
    const others = await claimSegment(disk, ROOT, await putClosedSegment(disk, ROOT, [testRecord(1)], 1));
    const [alive] = await disk.list(claims);
    disk.put(`${claims}/segment-that-is-delivered.1.42`, new Uint8Array(0));
    const release = await claimSegment(disk, ROOT, await putClosedSegment(disk, ROOT, [testRecord(2)], 2));
    const left = await disk.list(claims);
    assert.equal(left.length, 2, left.join());
    assert.ok(alive !== undefined && left.includes(alive));
    await release();
    await others();
    assert.deepEqual(await disk.list(claims), []);
  });

  it('is finished by a receipt that waits for one sync of the folder with those that come meanwhile', async () => {
    const disk = new MemoryDisk();
    const names: ClosedName[] = [];
    for (let at = 1; at <= 20; at++) names.push(await putClosedSegment(disk, ROOT, [testRecord(at)], at));
    const syncs = (): number => disk.counts.get('syncFolder') ?? 0;
    const before = syncs();
    const receipts = new ReceiptWriter(disk, ROOT);
    const outcome = { finishedMs: 1, lostRecords: 0, objects: [] };
    await Promise.all(names.map(async (name) => await receipts.write(name, outcome)));
    for (const { base } of names) assert.ok(disk.files().has(`${ROOT}/done/${base}.receipt`));
    assert.equal(syncs() - before, 2, 'one for the first, one for all that came while it was written');
    // A disk that fails costs the receipts of that time, not those that come later.
    disk.fault = (operation) => {
      if (operation === 'syncFolder') throw MemoryDisk.error('io', operation);
    };
    const failed = names.map(async (name) => await receipts.write(name, outcome));
    for (const { status } of await Promise.allSettled(failed)) assert.equal(status, 'rejected');
    disk.fault = undefined;
    for (const name of names) await receipts.write(name, outcome);
  });

  it('is finished by a receipt, and on a full disk by moving', async () => {
    const disk = new MemoryDisk();
    const name = await putClosedSegment(disk, ROOT, [testRecord(1)]);
    const object = { key: 'k', sizeBytes: 1, sha256: 'x', captureIds: ['capture-1'] };
    const outcome = { finishedMs: 1, lostRecords: 0 };
    await new ReceiptWriter(disk, ROOT).write(name, {
      ...outcome,
      objects: [{ ...object, outcome: 'uploaded' }],
    });
    assert.ok(disk.files().has(`${ROOT}/done/${name.base}.receipt`));
    disk.capacityBytes = disk.usedBytes();
    const other = name;
    await new ReceiptWriter(disk, ROOT).write(other, {
      ...outcome,
      objects: [{ ...object, outcome: 'uploaded' }],
    });
    assert.ok(disk.files().has(`${ROOT}/done/${name.file}`));
    await assert.rejects(
      new ReceiptWriter(disk, ROOT).write(other, {
        ...outcome,
        objects: [{ ...object, outcome: 'quarantined' }],
      }),
      (error) => error instanceof EdgeError && error.code === 'RESOURCE_EXHAUSTED',
    );
  });
});

describe('a damaged segment', () => {
  const { name, bytes } = buildSegment([testRecord(1), testRecord(2), testRecord(3)]);
  const whole = readContent(bytes, name.nonce);

  it('gives each record that lies whole before the cut, at every byte (R3)', () => {
    for (let cut = 0; cut <= bytes.byteLength; cut++) {
      const content = readContent(bytes.subarray(0, cut), name.nonce);
      const expected = whole.records.filter(({ frame }) => frame.end <= cut);
      assert.deepEqual(content.records, expected, `cut at ${cut}`);
    }
  });

  it('notices every single flipped bit and loses at most one record (R4)', () => {
    const known = whole.records.map(({ record }) => JSON.stringify(record));
    for (let bit = 0; bit < bytes.byteLength * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const content = readContent(flipped, name.nonce);
      assert.ok(content.damage.length > 0, `bit ${bit} was not noticed`);
      const got = content.records.map(({ record }) => JSON.stringify(record));
      assert.ok(got.length >= known.length - 1, `bit ${bit} cost ${known.length - got.length} records`);
      assert.ok(
        got.every((record) => known.includes(record)),
        `bit ${bit} changed a record`,
      );
      assert.equal(content.lost, known.length - got.length, `bit ${bit} is not counted right`);
    }
  });

  it('keeps its keys where the footer is gone', () => {
    const start = Buffer.from(bytes).lastIndexOf('EMF1');
    const content = readContent(bytes.subarray(0, start), name.nonce);
    assert.equal(content.footer, undefined);
    assert.deepEqual(objectsOf(content, { ...TEST_LAYOUT, prefix: 'other' }), whole.footer?.objects);
  });

  it('never throws on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(bytes.byteLength), (noise, at) => {
        const mixed = Buffer.from(bytes);
        mixed.set(noise.subarray(0, Math.max(0, mixed.byteLength - at)), at);
        readContent(mixed, name.nonce);
        readContent(noise, name.nonce);
      }),
      { numRuns: 2000 },
    );
  });

  it('delivers what is left and says how many records went', async () => {
    const disk = new MemoryDisk();
    const stored = await putClosedSegment(disk, ROOT, [testRecord(1), testRecord(2), testRecord(3)]);
    const path = `${ROOT}/closed/${stored.file}`;
    const flipped = Buffer.from(bytes);
    const second = whole.records[1]?.frame.offset ?? 0;
    flipped[second + 60] = (flipped[second + 60] ?? 0) ^ 4;
    disk.put(path, flipped);
    const reader = await openSegment(disk, ROOT, stored);
    assert.equal(reader.lostRecords, 1);
    const [object] = [...reader.objects()];
    assert.deepEqual(object?.captureIds, ['capture-1', 'capture-3']);
  });
});
