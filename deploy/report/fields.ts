import { HEARTBEAT_SHADOW } from '../../src/contract/mod.js';
import type { FleetIndex } from '../cloud/fleet/mod.js';

const REPORTED = `shadow.name.${HEARTBEAT_SHADOW}.reported`;

/** Fields of the heartbeat by their names in the fleet index. */
export const INDEXED = {
  summary: `${REPORTED}.summary`,
  agentVersion: `${REPORTED}.agentVersion`,
  p99Ms: `${REPORTED}.p99Ms`,
  deliveredRecords: `${REPORTED}.capture.delivered`,
  queuedRecords: `${REPORTED}.capture.queuedRecords`,
} as const;

/** What fleet indexing must aggregate for reports and gates. */
export const REPORT_FIELDS = [
  { name: INDEXED.summary, type: 'String' },
  { name: INDEXED.agentVersion, type: 'String' },
  { name: INDEXED.p99Ms, type: 'Number' },
] as const;

/** What reports show where the account has fields left. */
export const CAPTURE_FIELDS = [
  { name: INDEXED.deliveredRecords, type: 'Number' },
  { name: INDEXED.queuedRecords, type: 'Number' },
] as const;

/** AWS IoT's quota of custom fields of the thing index, unless the account had it raised (docs/scale.md). */
const CUSTOM_FIELDS = 5;

/** Turns on what reports need, beside what the account indexes already: the sums of captures only where they fit. */
export async function indexHeartbeats(cloud: FleetIndex): Promise<void> {
  const needed = new Set([
    ...((await cloud.indexedFields()) ?? []),
    ...REPORT_FIELDS.map(({ name }) => name),
  ]);
  const missing = CAPTURE_FIELDS.filter(({ name }) => !needed.has(name));
  const fitting = missing.slice(0, Math.max(0, CUSTOM_FIELDS - needed.size));
  await cloud.indexFields([...REPORT_FIELDS, ...fitting], HEARTBEAT_SHADOW);
}
