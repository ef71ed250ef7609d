/**
 * A process to be killed. It prints `ready`, waits for one line on its input, `[mode, root, store, first number]`, and
 * prints `ack <id>` after each acknowledgement. `loop` captures, delivers and evicts until it dies; `once` does
 * one short life of a spool.
 */
import { writeSync } from 'node:fs';
import { once } from 'node:events';
import type { CaptureSpool } from '../../../src/capture/mod.js';
import { messageOf } from '../../../src/core/mod.js';
import { nodeDisk } from '../../../src/disk/mod.js';
import { systemClock } from '../../../src/system/mod.js';
import { deliverAll } from '../../lib/oracle.js';
import { openFaultSpool, recordOf } from './fault-spool.js';
import { putObject } from './folder-store.js';

function say(line: string): void {
  // Written before anything else happens: what the test reads was acknowledged.
  writeSync(1, `${line}\n`);
}

async function capture(spool: CaptureSpool, numbers: readonly number[]): Promise<void> {
  await Promise.all(
    numbers.map(async (number) => {
      const record = recordOf(number);
      const { outcome } = await spool.append(record);
      if (outcome === 'spooled') say(`ack ${record.captureId}`);
    }),
  );
}

async function deliver(spool: CaptureSpool, root: string, store: string): Promise<void> {
  await deliverAll(nodeDisk, root, (object) => putObject(store, object));
  await spool.reconcile();
}

async function runOnce(root: string, store: string): Promise<void> {
  const spool = await openFaultSpool(root, { pushPeriodMs: 60_000 });
  // Errors 3, 7, 11, ... fill their small quota and are evicted; samples fill segments.
  await capture(spool, [0, 1, 2, 4, 5]);
  await capture(spool, [3, 7, 11, 15, 19]);
  await capture(spool, [23, 27, 31, 35, 39]);
  await deliver(spool, root, store).catch(() => undefined);
  await capture(spool, [6, 8, 43]);
  await spool.close();
}

async function runLoop(root: string, store: string, from: number): Promise<void> {
  const before = systemClock.monotonicMs();
  const spool = await openFaultSpool(root);
  say(`opened ${Math.round(systemClock.monotonicMs() - before)}`);
  for (let round = 0; ; round++) {
    await capture(
      spool,
      Array.from({ length: 6 }, (_, index) => from + round * 6 + index),
    );
    if (round % 5 === 4) await deliver(spool, root, store);
    await systemClock.sleep(2);
  }
}

say('ready');
process.stdin.resume();
const [line] = (await once(process.stdin, 'data')) as [Buffer];
const [mode, root, store, first] = JSON.parse(line.toString()) as [string, string, string, number];
try {
  await (mode === 'loop' ? runLoop(root, store, first) : runOnce(root, store));
} catch (error) {
  // A disk that is sick at the start ends the process; nothing was acknowledged beyond what was said.
  say(`failed ${messageOf(error)}`);
  process.exit(1);
}
process.exit(0);
