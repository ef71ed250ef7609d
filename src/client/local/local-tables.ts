import type {
  LatencySummary,
  ModelDescription,
  ModelSummary,
  ReplyOf,
  Tensor,
  TensorMetadata,
} from '../../contract/mod.js';
import { visibleLine } from '../../core/mod.js';
import { type Prediction, elements } from '../mod.js';

/** Values of one output that are printed to people. */
const SHOWN_VALUES = 8;

export function renderSummaries(models: readonly ModelSummary[]): string {
  if (models.length === 0) return 'No models on this device';
  return table(
    ['MODEL', 'VERSION', 'STATE', 'LABELS', 'REASON'],
    models.map(({ name, version, state, labels, reason }) => [
      name,
      version,
      state,
      labels.join(','),
      reason ?? '',
    ]),
  );
}

export function renderDescription(model: ModelDescription): string {
  const rows: [string, string][] = [
    ['model', `${model.name} ${model.version}`],
    ['state', model.state],
    ['labels', model.labels.join(', ')],
    ['digest', model.digest],
    ['signature', model.signature ?? '-'],
    ['component', model.component ?? '-'],
    ['path', model.path ?? '-'],
    ['memory', model.memoryBytes === undefined ? '-' : `${(model.memoryBytes / 1e6).toFixed(1)} MB`],
    ['load', model.loadMs === undefined ? '-' : `${model.loadMs.toFixed(1)} ms`],
    ...model.inputs.map((input): [string, string] => ['input', shown(input as TensorMetadata)]),
    ...model.outputs.map((output): [string, string] => ['output', shown(output as TensorMetadata)]),
  ];
  if (model.pinned === true) rows.push(['pinned', 'yes']);
  if (model.reason !== undefined) rows.push(['reason', model.reason]);
  if (model.probation !== undefined) {
    const { requests, remainingRequests, remainingMs, errors, nonFinite } = model.probation;
    rows.push([
      'probation',
      `${requests} requests, ${errors} failed, ${nonFinite} not finite; at least ${remainingRequests} requests and ${Math.ceil(remainingMs / 1000)} s left`,
    ]);
  }
  return table(undefined, rows);
}

export function renderStats(stats: ReplyOf<'stats'>): string {
  const latency = ({ p50Ms, p99Ms }: LatencySummary): string => `${p50Ms.toFixed(2)}/${p99Ms.toFixed(2)}`;
  const models = table(
    [
      'MODEL',
      'VERSION',
      'STATE',
      'REQUESTS',
      'ERRORS',
      'QUEUED',
      'QUEUE p50/p99 ms',
      'RUN p50/p99 ms',
      'TOTAL p50/p99 ms',
    ],
    stats.models.map((model) => [
      model.name,
      model.version,
      model.state,
      String(model.requests),
      String(model.errors),
      String(model.queued),
      latency(model.queue),
      latency(model.run),
      latency(model.total),
    ]),
  );
  const agent = `Agent up ${Math.round(stats.uptimeMs / 1000)} s, control starts ${stats.controlStarts}, host restarts ${stats.hostRestarts}, hosts held by ${stats.hostConfinement ?? 'nothing yet'}${spareOf(stats.spareHostBytes)}`;
  const { capture } = stats;
  if (capture === undefined) return `${models}\n${agent}`;
  const drops = Object.entries(capture.drops).map(([reason, count]) => `${reason} ${count}`);
  return `${models}\n${agent}\nCapture ${capture.mode}: ${capture.acked} acknowledged, ${capture.delivered} delivered, ${capture.queuedRecords} waiting (${capture.queueBytes} bytes), drops: ${drops.join(', ') || 'none'}`;
}

function spareOf(bytes: number | undefined): string {
  return bytes === undefined ? '' : `, a spare host of ${Math.ceil(bytes / 2 ** 20)} MB`;
}

export function renderPrediction(prediction: Prediction): { json: unknown; table: string } {
  const outputs = prediction.outputs.map((output) => ({
    name: output.name,
    datatype: output.datatype,
    shape: output.shape,
    data: valuesOf(output),
  }));
  const rows = outputs.map(({ name, datatype, shape, data }) => [
    name,
    datatype,
    `[${shape.join(', ')}]`,
    `${data.slice(0, SHOWN_VALUES).join(', ')}${data.length > SHOWN_VALUES ? `, ... (${data.length})` : ''}`,
  ]);
  const { model, version, queueMs, runMs, captureId } = prediction;
  const head = `${model} ${version}: run ${runMs} ms, queue ${queueMs} ms${captureId === undefined ? '' : `, capture ${captureId}`}`;
  return {
    json: { ...prediction, outputs },
    table: `${head}\n${table(['OUTPUT', 'TYPE', 'SHAPE', 'VALUES'], rows)}`,
  };
}

/** JSON values; 64-bit integers as decimal strings, as on the wire. */
function valuesOf(output: Tensor): (number | string | boolean)[] {
  return [...(elements(output) as Iterable<number | bigint | string | boolean>)].map((value) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

function shown({ name, datatype, shape }: TensorMetadata): string {
  return `${name}: ${datatype} [${shape.join(', ')}]`;
}

/** Columns two spaces apart: the device carries no table library. */
export function table(head: readonly string[] | undefined, rows: readonly (readonly string[])[]): string {
  const all = (head === undefined ? rows : [head, ...rows]).map((row) => row.map(visibleLine));
  const widths = (all[0] ?? []).map((_cell, column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
