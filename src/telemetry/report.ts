import {
  byUse,
  HEARTBEAT_MAX_BYTES,
  HeartbeatDocument,
  summarize,
  type HeartbeatReport,
} from '../contract/mod.js';
import { canonicalJson, EdgeError, validate } from '../core/mod.js';

const SERVING = new Set(['SERVING', 'PROBATION']);

/** The shadow's `state.reported` for what the agent collected. */
export function heartbeatReport(
  collected: HeartbeatDocument,
  sentAtMs: number,
  intervalMinutes: number,
): HeartbeatReport {
  const document = validate(HeartbeatDocument, collected, 'Cannot send the heartbeat');
  const latencies = document.models
    .filter((model) => SERVING.has(model.state))
    .map((model) => model.p99Ms ?? 0);
  return {
    ...document,
    v: 1,
    sentAtMs,
    intervalMinutes,
    summary: summarize(document.models),
    p99Ms: latencies.reduce((highest, value) => Math.max(highest, value), 0),
  };
}

/**
 * The shadow update's bytes. An error or a flag that has passed must leave the shadow, hence null where there is none.
 * Over the shadow's limit the least useful models are left out of the list.
 */
export function heartbeatPayload(report: HeartbeatReport): Uint8Array {
  let models = [...report.models].sort(byUse);
  for (;;) {
    const { adminOpen = null, unconfined = null, lastError = null, uploadError = null } = report;
    const reported = { ...report, models, adminOpen, unconfined, lastError, uploadError };
    const bytes = Buffer.from(JSON.stringify({ state: { reported } }));
    if (bytes.length <= HEARTBEAT_MAX_BYTES) return bytes;
    if (models.length === 0) {
      throw new EdgeError(
        'HEARTBEAT_TOO_LARGE',
        `Cannot send the heartbeat as it must be at most ${HEARTBEAT_MAX_BYTES} bytes: current value is ${bytes.length}`,
      );
    }
    models = models.slice(0, -1);
  }
}

/**
 * What makes a heartbeat worth sending at once: version, state, drift, what trust says, or error, not counters and times.
 * Sampling is left out: it flips with every quiet quarter of an hour.
 */
export function heartbeatKey(document: HeartbeatDocument): string {
  return canonicalJson({
    agent: document.agentVersion,
    fleet: document.fleet,
    device: document.device,
    models: document.models
      .map(({ name, version, state, drifted = false, unadmitted = false, revoked = false }) => ({
        name,
        version,
        state,
        drifted,
        unadmitted,
        revoked,
      }))
      .sort((a, b) => compare(`${a.name}@${a.version}`, `${b.name}@${b.version}`)),
    error: document.lastError?.code ?? '',
    uploadError: document.uploadError?.message ?? '',
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
