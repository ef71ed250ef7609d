import Table from 'cli-table3';
import type { DemoEngine } from './engine.js';

/** What `npm run demo -- --json` prints as its last line. */
export interface DemoSummary {
  readonly model: string;
  readonly version: string;
  /** What the agent says that the model ran in. */
  readonly engine: DemoEngine;
  /** What computed it there; the agent's own Node names none. */
  readonly provider?: string;
  readonly windows: number;
  readonly speechSeconds: number;
  readonly mismatches: number;
  readonly captured: number;
  readonly delivered: number;
  readonly duplicates: number;
  readonly objects: number;
  readonly predictP50Ms: number;
  readonly predictP99Ms: number;
  /** The same over the agent's own socket. */
  readonly endpointP50Ms: number;
  readonly endpointP99Ms: number;
  readonly echoP50Ms: number;
  readonly bareRunP50Ms: number;
  readonly profile: string;
  readonly updates: readonly DemoUpdate[];
  readonly lost: number;
  readonly failedWindows: number;
}

export interface DemoUpdate {
  readonly from: string;
  readonly to: string;
  readonly outcome: 'SUCCEEDED' | 'ROLLED_BACK' | 'FAILED';
  readonly failedWindows: number;
  /** From the last window of the old version to the first of the new, milliseconds; null where nothing switched. */
  readonly switchMs: number | null;
}

export function printSummary(summary: DemoSummary): void {
  const table = new Table({ style: { head: [], border: [] } });
  const milliseconds = (value: number): string => `${value.toFixed(2)} ms`;
  table.push(
    ['model', `${summary.model} ${summary.version}`],
    ['engine', [summary.engine, summary.provider].filter(Boolean).join(', ')],
    ['windows', `${summary.windows}, ${summary.failedWindows} failed`],
    ['speech', `${summary.speechSeconds.toFixed(2)} s`],
    [
      `windows that differ from plain onnxruntime-node${summary.engine === 'node' ? '' : ' beyond the tolerance'}`,
      String(summary.mismatches),
    ],
    [
      'predict over IPC p50, p99',
      `${milliseconds(summary.predictP50Ms)}, ${milliseconds(summary.predictP99Ms)}`,
    ],
    [
      "predict over the endpoint's framed face p50, p99",
      `${milliseconds(summary.endpointP50Ms)}, ${milliseconds(summary.endpointP99Ms)}`,
    ],
    ['IPC echo p50, same payload and broker', milliseconds(summary.echoP50Ms)],
    ['bare run p50', milliseconds(summary.bareRunP50Ms)],
    ['records captured, delivered', `${summary.captured}, ${summary.delivered}`],
    ['records lost, doubled', `${summary.lost}, ${summary.duplicates}`],
    ['objects in S3', String(summary.objects)],
  );
  for (const update of summary.updates) {
    const time = update.switchMs === null ? '' : `, ${update.switchMs.toFixed(0)} ms from old to new`;
    table.push([
      `update ${update.from} to ${update.to}`,
      `${update.outcome}, ${update.failedWindows} failed windows${time}`,
    ]);
  }
  console.log(table.toString());
}

/** What went wrong, in words; empty where the demo shows what it should. */
export function failuresOf(
  summary: DemoSummary,
  expected: readonly DemoUpdate['outcome'][],
  engine: DemoEngine,
): string[] {
  const failures: string[] = [];
  const must = (holds: boolean, sentence: string): void => {
    if (!holds) failures.push(sentence);
  };
  must(summary.engine === engine, `the model ran in ${summary.engine}, not in ${engine}`);
  must(summary.windows > 0, 'no window was answered');
  must(summary.mismatches === 0, `${summary.mismatches} windows differ from the plain runtime`);
  must(summary.failedWindows === 0, `${summary.failedWindows} windows failed`);
  must(summary.lost === 0, `${summary.lost} captured records did not arrive`);
  must(
    summary.delivered === summary.captured,
    `${summary.captured} records captured, ${summary.delivered} delivered`,
  );
  must(summary.duplicates === 0, `${summary.duplicates} records arrived twice`);
  const outcomes = summary.updates.map((update) => update.outcome);
  must(
    JSON.stringify(outcomes) === JSON.stringify(expected),
    `the updates ended ${outcomes.join(', ')}, expected ${expected.join(', ')}`,
  );
  return failures;
}
