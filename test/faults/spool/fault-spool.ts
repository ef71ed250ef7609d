import type { CaptureRecord, CaptureSpool, SpoolOptions } from '../../../src/capture/mod.js';
import { nodeDisk } from '../../../src/disk/mod.js';
import { deliverAll, judge, recordsIn, type Verdict } from '../../lib/oracle.js';
import { testRecord } from '../../lib/spool-fixture.js';
import { openDiskSpool } from '../../lib/spools.js';
import { putObject, readObjects } from './folder-store.js';

/** A spool on the real disk with small segments; errors have a quota so small that they are evicted. */
export async function openFaultSpool(
  root: string,
  change: Partial<SpoolOptions> = {},
): Promise<CaptureSpool> {
  return await openDiskSpool(root, {
    segmentBytes: 2000,
    pushPeriodMs: 50,
    maxRemembered: 1_000_000,
    quotas: { error: { bytes: 5000, policy: 'drop-oldest' } },
    ...change,
  });
}

/** Every fourth record is an error. */
export function recordOf(number: number): CaptureRecord {
  return testRecord(number, number % 4 === 3 ? { priority: 'error' } : {});
}

export function recordOfId(captureId: string): CaptureRecord | undefined {
  const number = Number(captureId.split('-')[1]);
  return Number.isInteger(number) ? recordOf(number) : undefined;
}

/** After the fault: a start, a fresh record, delivery of all that is there, and the oracle over the whole store. */
export async function verdictAfter(root: string, store: string, acked: readonly string[]): Promise<Verdict> {
  const spool = await openFaultSpool(root);
  const fresh = recordOf(900_000_000);
  const outcome = await spool.append(fresh);
  await spool.close();
  await deliverAll(nodeDisk, root, (object) => putObject(store, object));
  await spool.reconcile();
  const dropped = new Set(acked.filter((id) => spool.status(id).state === 'DROPPED'));
  const verdict = judge({
    issued: recordOfId,
    acked: [...acked, fresh.captureId],
    delivered: recordsIn(await readObjects(store)),
    dropped,
  });
  const refused = outcome.outcome === 'spooled' || outcome.reason === 'duplicate' ? [] : [fresh.captureId];
  return { ...verdict, lost: [...verdict.lost, ...refused] };
}
