import type { CaptureRecord, CaptureSpool, SpoolOptions } from '../../../src/capture/mod.js';
import type { CaptureStats } from '../../../src/contract/mod.js';
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

/**
 * After the fault: a start, a fresh record, delivery of all that is there, and the oracle over the whole store. What the
 * spool counts, over all its lives, must be what the store and the acknowledgements say: else it is corrupt.
 */
export async function verdictAfter(root: string, store: string, acked: readonly string[]): Promise<Verdict> {
  const spool = await openFaultSpool(root);
  const fresh = recordOf(900_000_000);
  const outcome = await spool.append(fresh);
  await spool.close();
  await deliverAll(nodeDisk, root, (object) => putObject(store, object));
  await spool.reconcile();
  const dropped = new Set(acked.filter((id) => spool.status(id).state === 'DROPPED'));
  const delivered = recordsIn(await readObjects(store));
  const verdict = judge({ issued: recordOfId, acked: [...acked, fresh.captureId], delivered, dropped });
  const refused = outcome.outcome === 'spooled' || outcome.reason === 'duplicate' ? [] : [fresh.captureId];
  // A segment that was stored and got no receipt may be evicted: the spool can't know, and counts a drop.
  const told = delivered
    .map(({ captureId }) => captureId)
    .filter((id) => spool.status(id).state !== 'DROPPED');
  const miscounted = miscounts(spool.stats(), new Set(told), acked);
  return {
    ...verdict,
    lost: [...verdict.lost, ...refused],
    corrupt: [...verdict.corrupt, ...miscounted],
  };
}

function miscounts(stats: CaptureStats, delivered: ReadonlySet<string>, acked: readonly string[]): string[] {
  const drops = Object.values(stats.drops).reduce((sum, count) => sum + count, 0);
  const wrong: string[] = [];
  if (stats.delivered !== delivered.size) {
    wrong.push(`counts: ${stats.delivered} delivered, ${delivered.size} stored and told`);
  }
  if (stats.issued !== stats.delivered + drops + stats.queuedRecords) {
    wrong.push(`counts: ${JSON.stringify(stats)}`);
  }
  // A record whose acknowledgement did not get out any more counts too.
  if (stats.acked < new Set(acked).size) wrong.push(`counts: ${stats.acked} of ${acked.length} acknowledged`);
  return wrong;
}
