import assert from 'node:assert/strict';
import { join } from 'node:path';
import { listClosed, type CaptureSpool, readContent } from '../../../src/capture/mod.js';
import { ManualClock, SeededRandom } from '../../../src/core/mod.js';
import { MemoryDisk } from '../../../src/disk/mod.js';
import { reportFaultRow } from '../../lib/fault-table.js';
import { CLEAN, deliverAll, judge, type Delivered } from '../../lib/oracle.js';
import { buildSegment, testRecord } from '../../lib/spool-fixture.js';
import { openMemorySpool } from '../../lib/spools.js';

const ROOT = '/spool';
const issued = (id: string): ReturnType<typeof testRecord> => testRecord(Number(id.split('-')[1]));

function open(
  disk: MemoryDisk,
  clock: ManualClock,
  seed: number,
  clockSynchronised = (): boolean => true,
): Promise<CaptureSpool> {
  return openMemorySpool(disk, clock, seed, { clockSynchronised, segmentBytes: 1500 });
}

async function append(spool: CaptureSpool, numbers: readonly number[]): Promise<string[]> {
  const outcomes = await Promise.all(numbers.map((number) => spool.append(testRecord(number))));
  return numbers.filter((_, at) => outcomes[at]?.outcome === 'spooled').map((number) => `capture-${number}`);
}

describe('faults: files and clock of the spool', () => {
  it('R3 and R4: cuts at every byte and flips of every bit, and random ones in a large segment', () => {
    const small = buildSegment([testRecord(1), testRecord(2), testRecord(3)]);
    const whole = readContent(small.bytes, small.name.nonce).records;
    let wrong = 0;
    for (let cut = 0; cut <= small.bytes.byteLength; cut++) {
      const got = readContent(small.bytes.subarray(0, cut), small.name.nonce).records.length;
      if (got !== whole.filter(({ frame }) => frame.end <= cut).length) wrong += 1;
    }
    reportFaultRow({ row: 'R3', cycles: small.bytes.byteLength + 1, lost: wrong, duplicated: 0, corrupt: 0 });
    const large = buildSegment(Array.from({ length: 20 }, (_, number) => testRecord(number)));
    const known = new Set(readContent(large.bytes, large.name.nonce).records.map(({ digest }) => digest));
    const random = new SeededRandom(4);
    const flips = 10_000;
    let lost = 0;
    let corrupt = 0;
    for (let flip = 0; flip < flips; flip++) {
      const bytes = Buffer.from(large.bytes);
      const bit = Math.floor(random.fraction() * bytes.byteLength * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const content = readContent(bytes, large.name.nonce);
      if (content.damage.length === 0 || content.records.length < known.size - 1) lost += 1;
      corrupt += content.records.filter(({ digest }) => !known.has(digest)).length;
    }
    const bits = countFlips(small.bytes, small.name.nonce);
    reportFaultRow({
      row: 'R4',
      cycles: flips + small.bytes.byteLength * 8,
      lost: lost + bits.lost,
      duplicated: 0,
      corrupt: corrupt + bits.corrupt,
      note: 'lost: more than one record a frame, or unnoticed',
    });
    assert.deepEqual([wrong, lost, corrupt, bits], [0, 0, 0, { lost: 0, corrupt: 0 }]);
  });

  it('R5: every combination of missing and garbled files beside the segments', async () => {
    const { disk, acked, delivered } = await livedIn();
    const others = [...disk.files().keys()].filter((path) => !/\/(open|closed)\//.test(path)).sort();
    assert.ok(others.length >= 4, `only ${others.join(' ')}`);
    const whole = disk.files();
    const combinations = 3 ** others.length;
    let duplicated = 0;
    for (let combination = 0; combination < combinations; combination++) {
      const copy = new MemoryDisk();
      for (const [path, bytes] of whole) {
        const at = others.indexOf(path);
        const fate = at < 0 ? 0 : Math.floor(combination / 3 ** at) % 3;
        if (fate === 0) copy.put(path, bytes);
        if (fate === 1)
          copy.put(
            path,
            bytes.map((byte) => byte ^ 0x55),
          );
      }
      const spool = await open(copy, new ManualClock(), combination + 100);
      acked.push(...(await append(spool, [5000])).filter((id) => !acked.includes(id)));
      await spool.close();
      const all = [...delivered, ...(await deliverAll(copy, ROOT))];
      const verdict = judge({ issued, acked, delivered: all });
      assert.deepEqual({ lost: verdict.lost, corrupt: verdict.corrupt }, { lost: [], corrupt: [] });
      // Only a segment that was delivered and not yet deleted may go out again, under the keys it had.
      duplicated += verdict.duplicated.filter((id) => Number(id.split('-')[1]) < 1000).length;
    }
    reportFaultRow({
      row: 'R5',
      cycles: combinations,
      lost: 0,
      duplicated,
      corrupt: 0,
      note: `files=${others.length}`,
    });
    assert.equal(duplicated, 0);
  });

  it('R9: twenty jumps of the clock, 1970 and ten years on among them', async () => {
    const disk = new MemoryDisk();
    const clock = new ManualClock();
    const random = new SeededRandom(9);
    const acked: string[] = [];
    const delivered: Delivered[] = [];
    let spool = await open(disk, clock, 1);
    for (let jump = 0; jump < 20; jump++) {
      const year = [1970, 2036, 2016, 2026][jump % 4] ?? 2026;
      clock.jumpWall(Date.UTC(year, 0, 1) + Math.floor(random.fraction() * 86_400_000));
      acked.push(
        ...(await append(
          spool,
          Array.from({ length: 5 }, (_, step) => jump * 5 + step),
        )),
      );
      await clock.advance(5000);
      if (jump % 3 === 2) {
        await spool.close();
        spool = await open(disk, clock, jump + 2);
      }
      if (jump % 5 === 4) {
        delivered.push(...(await deliverAll(disk, ROOT, undefined, clock.wallMs())));
        await spool.reconcile();
      }
    }
    await spool.close();
    delivered.push(...(await deliverAll(disk, ROOT)));
    const verdict = judge({ issued, acked, delivered });
    const bySequence = [...delivered]
      .sort((a, b) => a.sequence - b.sequence)
      .map(({ captureId }) => captureId);
    const { lost, duplicated, corrupt } = verdict;
    reportFaultRow({
      row: 'R9',
      cycles: 20,
      lost: lost.length,
      duplicated: duplicated.length,
      corrupt: corrupt.length,
    });
    assert.deepEqual(verdict, CLEAN);
    assert.equal(acked.length, 100);
    assert.deepEqual(bySequence, acked, 'sequence numbers give the order');
    assert.equal(new Set(delivered.map(({ sequence }) => sequence)).size, 100);
  });

  it('R9: records of a boot with a wrong clock go out under the right hour once it is known', async () => {
    const disk = new MemoryDisk();
    const clock = new ManualClock(0);
    let known = false;
    const spool = await open(disk, clock, 1, () => known);
    await spool.append(testRecord(1, { inferenceTimeMs: clock.wallMs(), clockSynchronised: false }));
    await clock.advance(1000);
    clock.jumpWall(Date.UTC(2026, 6, 1, 9, 0, 0));
    known = true;
    await spool.close();
    const [name] = await listClosed(disk, ROOT);
    const bytes = disk.files().get(join(ROOT, 'closed', name?.file ?? '')) ?? new Uint8Array(0);
    const key = readContent(bytes, name?.nonce ?? 0).footer?.objects[0]?.key ?? '';
    assert.match(key, /\/2026\/07\/01\/08\//, 'a second before nine');
  });
});

/** A spool with a history, receipts, a claim, a damaged receipt in quarantine, and segments that wait. */
async function livedIn(): Promise<{ disk: MemoryDisk; acked: string[]; delivered: Delivered[] }> {
  const disk = new MemoryDisk();
  const clock = new ManualClock();
  const acked: string[] = [];
  const delivered: Delivered[] = [];
  let spool = await open(disk, clock, 1);
  for (let round = 0; round < 66; round++) {
    acked.push(...(await append(spool, [round])));
    await clock.advance(5000);
  }
  delivered.push(...(await deliverAll(disk, ROOT)));
  await spool.reconcile();
  for (let round = 66; round < 68; round++) {
    acked.push(...(await append(spool, [round])));
    await clock.advance(5000);
    delivered.push(...(await deliverAll(disk, ROOT)));
    await spool.reconcile();
  }
  acked.push(...(await append(spool, [68])));
  await spool.close();
  spool = await open(disk, clock, 2);
  acked.push(...(await append(spool, [69])));
  await spool.close();
  const [waiting] = await listClosed(disk, ROOT);
  disk.put(`${ROOT}/claims/${waiting?.base}.1.1`, new Uint8Array(0));
  disk.put(`${ROOT}/quarantine/0000000001-old`, new Uint8Array(10));
  return { disk, acked, delivered };
}

function countFlips(bytes: Uint8Array, nonce: number): { lost: number; corrupt: number } {
  const known = new Set(readContent(bytes, nonce).records.map(({ digest }) => digest));
  let lost = 0;
  let corrupt = 0;
  for (let bit = 0; bit < bytes.byteLength * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const content = readContent(flipped, nonce);
    if (content.damage.length === 0 || content.records.length < known.size - 1) lost += 1;
    corrupt += content.records.filter(({ digest }) => !known.has(digest)).length;
  }
  return { lost, corrupt };
}
