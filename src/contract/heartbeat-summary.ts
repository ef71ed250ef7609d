import type { HeartbeatModel } from './heartbeat.js';
import type { ModelState } from './operations.js';
import { MODEL_STATES } from './operations.js';

/** A model as the summary has it. */
export interface SummaryModel {
  readonly name: string;
  readonly version: string;
  readonly state: ModelState;
  readonly drifted: boolean;
  readonly sampling: boolean;
}

/** Long enough for ten models; devices with more are told apart in their shadow, not by aggregation. */
export const SUMMARY_MAX_CHARS = 900;

/** `name@version/STATE` with `+drifted` and `+sampling`, sorted, joined by `;`: equal devices give equal strings. */
export function summarize(models: readonly HeartbeatModel[]): string {
  const parts = models
    .map(
      (model) =>
        `${model.name}@${model.version}/${model.state}` +
        (model.drifted === true ? '+drifted' : '') +
        (model.sampling === true ? '+sampling' : ''),
    )
    .sort();
  let text = '';
  for (const part of parts) {
    const longer = text === '' ? part : `${text};${part}`;
    if (longer.length > SUMMARY_MAX_CHARS) break;
    text = longer;
  }
  // Fleet indexing has no bucket for an empty string.
  return text === '' ? 'none' : text;
}

/** The models of a summary; parts of another form (a later version's) are left out. */
export function parseSummary(summary: string): readonly SummaryModel[] {
  const models: SummaryModel[] = [];
  for (const part of summary.split(';')) {
    const match = /^([^@]+)@([^/]+)\/([A-Z_]+)((?:\+[a-z]+)*)$/.exec(part);
    const state = MODEL_STATES.find((known) => known === match?.[3]);
    if (match === null || state === undefined) continue;
    const flags = (match[4] ?? '').split('+');
    models.push({
      name: match[1] ?? '',
      version: match[2] ?? '',
      state,
      drifted: flags.includes('drifted'),
      sampling: flags.includes('sampling'),
    });
  }
  return models;
}
