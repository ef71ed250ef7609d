import type { Static } from '@sinclair/typebox';
import type { QuarantinedSegment, requeueOperation } from '../../contract/mod.js';
import { EdgeError } from '../../core/mod.js';
import type { AdminClient } from '../mod.js';
import { table } from './local-tables.js';

export interface CapturesCall {
  /** `list` or `requeue`. */
  readonly name: string | undefined;
  /** Capture ids. */
  readonly others: readonly string[];
  readonly reason: string | undefined;
  readonly all: boolean;
  readonly quarantined: boolean;
  readonly timeoutMs: number;
}

export interface Answer {
  readonly json: unknown;
  readonly table: string;
}

type Requeued = Static<typeof requeueOperation.reply>;

/** Ids of 128 characters that fit into one request. */
const IDS_AT_ONCE = 40;

/** `edge-manager local captures list --quarantined` and `captures requeue`: page by page, until all is told or back. */
export async function performCapturesCommand(call: CapturesCall, admin: AdminClient): Promise<Answer> {
  if (call.name === 'list' && call.quarantined) return listed(await listAll(call, admin));
  if (call.name === 'requeue') return requeued(await requeueAll(call, admin));
  throw new EdgeError(
    'OPTION_INVALID',
    `Cannot run the command as 'captures' must be followed by list --quarantined, or by requeue: current value is ${call.name ?? 'nothing'}`,
    { nextStep: 'edge-manager local captures list --quarantined' },
  );
}

async function listAll(call: CapturesCall, admin: AdminClient): Promise<QuarantinedSegment[]> {
  const segments: QuarantinedSegment[] = [];
  let after: number | undefined;
  do {
    const page = await admin.listQuarantined(after === undefined ? {} : { after }, call);
    segments.push(...page.segments);
    after = page.after;
  } while (after !== undefined);
  return segments;
}

async function requeueAll(call: CapturesCall, admin: AdminClient): Promise<Requeued> {
  const total: Requeued = { requeued: [], failed: [], elsewhere: [] };
  for (const selection of selectionsOf(call)) {
    let after: number | undefined;
    do {
      const page = await admin.requeueCaptures(
        { ...selection, ...(after === undefined ? {} : { after }) },
        call,
      );
      total.requeued.push(...page.requeued);
      total.failed.push(...page.failed);
      // The ids are looked up anew for each page.
      if (after === undefined) total.elsewhere.push(...page.elsewhere);
      after = page.after;
    } while (after !== undefined);
  }
  if (total.failed.length > 0 && total.requeued.length === 0) throw nothingCameBack(total);
  return total;
}

function selectionsOf({
  others,
  reason,
  all,
}: CapturesCall): readonly Pick<Static<typeof requeueOperation.request>, 'captureIds' | 'reason' | 'all'>[] {
  const given = [others.length > 0, reason !== undefined, all].filter(Boolean).length;
  if (given !== 1) {
    throw new EdgeError(
      'OPTION_INVALID',
      `Cannot bring captures back as exactly one of ids, --reason and --all must be given: current number is ${given}`,
      { nextStep: 'edge-manager local captures list --quarantined' },
    );
  }
  if (all) return [{ all: true }];
  if (reason !== undefined) return [{ reason }];
  const pieces: { captureIds: string[] }[] = [];
  for (let at = 0; at < others.length; at += IDS_AT_ONCE)
    pieces.push({ captureIds: others.slice(at, at + IDS_AT_ONCE) });
  return pieces;
}

function nothingCameBack({ failed }: Requeued): EdgeError {
  const [first] = failed;
  return new EdgeError(
    'RECORD_INVALID',
    `Cannot bring captures back, of ${failed.length} segments none: ${first?.reason ?? ''}`,
    { nextStep: "Look at the agent's log; what could not come back is still in quarantine" },
  );
}

function listed(segments: readonly QuarantinedSegment[]): Answer {
  if (segments.length === 0) return { json: segments, table: 'No captures in quarantine' };
  const rows = segments.map(({ segment, records, sizeBytes, reason, captureIds }) => [
    segment.slice(0, segment.indexOf('.')),
    String(records),
    String(sizeBytes),
    reason ?? 'not known',
    `${captureIds.slice(0, 2).join(', ')}${records > 2 ? ', ...' : ''}`,
  ]);
  return { json: segments, table: table(['SEGMENT', 'CAPTURES', 'BYTES', 'REASON', 'IDS'], rows) };
}

function requeued(total: Requeued): Answer {
  const { failed, elsewhere } = total;
  const records = total.requeued.reduce((sum, segment) => sum + segment.records, 0);
  const lines = [
    `${records} captures of ${total.requeued.length} segments wait for the uploader again`,
    ...elsewhere.map(({ captureId, state }) => `${captureId} is not in quarantine: ${state}`),
    ...failed.map(({ segment, reason }) => `${segment} is still in quarantine: ${reason}`),
  ];
  return { json: { records, ...total }, table: lines.join('\n') };
}
