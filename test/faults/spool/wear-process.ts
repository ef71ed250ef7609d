/** Captures 1,000 records of 4 KiB, four at a time, waits for a line before and after, and prints what it did as JSON. */
import { readFileSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { bytesOf, testRecord } from '../../lib/spool-fixture.js';
import { openFaultSpool } from './fault-spool.js';

function writtenBytes(): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

writeSync(1, 'ready\n');
process.stdin.resume();
const [line] = (await once(process.stdin, 'data')) as [Buffer];
const [, root = ''] = JSON.parse(line.toString()) as string[];
const spool = await openFaultSpool(root, { segmentBytes: 1 << 20, pushPeriodMs: 600_000 });
let closed = 0;
spool.onClosed(() => (closed += 1));
const before = writtenBytes();
// A record of 4 KiB as it lies in the segment, its description included.
const input = { name: 'input', datatype: 'UINT8' as const, shape: [3584], data: bytesOf(1, 3584) };
let recordBytes = 0;
for (let number = 0; number < 1000; number += 4) {
  await Promise.all([0, 1, 2, 3].map((step) => spool.append(testRecord(number + step, { inputs: [input] }))));
}
await spool.close();
recordBytes = spool.stats().queueBytes;
writeSync(1, `done ${JSON.stringify({ closed, recordBytes, writtenBytes: writtenBytes() - before })}\n`);
process.exit(0);
