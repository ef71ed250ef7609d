import type { HistoryEntry } from '../rollout/mod.js';
import type { DeviceInNeed } from '../report/mod.js';
import type { DeviceStates, FleetReport, ModelReport } from '../report/mod.js';
import { readable } from './axis.js';
import { barRows, stackedBar } from './bar-chart.js';
import { lineChart, type Series } from './line-chart.js';
import { html, type Markup } from './markup.js';

const STATES: readonly { readonly key: keyof DeviceStates; readonly name: string }[] = [
  { key: 'healthy', name: 'healthy' },
  { key: 'probation', name: 'on probation' },
  { key: 'drifted', name: 'drifted' },
  { key: 'failing', name: 'failing' },
  { key: 'silent', name: 'connected, no agent' },
  { key: 'offline', name: 'offline' },
];

export function section(title: string, content: Markup, kind = ''): Markup {
  return html`<section class="${kind}">
    <h2>${title}</h2>
    ${content}
  </section>`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): Markup {
  const isNumber = (column: number): boolean => rows.every((row) => typeof row[column] === 'number');
  const heads = head.map(
    (name, column) => html`<th scope="col" class="${isNumber(column) ? 'number' : ''}">${name}</th>`,
  );
  const lines = rows.map(
    (row) =>
      html`<tr>
        ${row.map((cell) => html`<td class="${typeof cell === 'number' ? 'number' : ''}">${typeof cell === 'number' ? readable(cell) : cell}</td>`)}
      </tr>`,
  );
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${heads}
        </tr>
      </thead>
      <tbody>
        ${lines}
      </tbody>
    </table>
  </div>`;
}

function empty(text: string): Markup {
  return html`<p class="empty">${text}</p>`;
}

export function deviceStates({ deviceStates: states }: FleetReport): Markup {
  return stackedBar(
    'Devices by state',
    STATES.map(({ key, name }) => ({ name, value: states[key], kind: key })),
  );
}

export function modelVersions({ modelStats }: FleetReport): Markup {
  if (modelStats.length === 0) return empty('No agent has reported a model.');
  const rows = modelStats.map((model) => ({
    name: nameOf(model),
    label: `${readable(model.connectedDeviceCount)} + ${readable(model.offlineDeviceCount)} offline`,
    parts: [
      { name: 'connected', value: model.connectedDeviceCount, kind: 'value' },
      { name: 'offline', value: model.offlineDeviceCount, kind: 'offline' },
    ],
  }));
  const figures = modelStats.map((model) => [
    nameOf(model),
    model.offlineDeviceCount,
    model.connectedDeviceCount,
    model.activeDeviceCount,
    model.samplingDeviceCount,
    model.driftedDeviceCount,
  ]);
  return html`${barRows('Devices by model version', rows)}${table(
    ['model', 'offline', 'connected', 'active', 'sampling', 'drifted'],
    figures,
  )}`;
}

function nameOf({ modelName, modelVersion }: ModelReport): string {
  return `${modelName} ${modelVersion}`;
}

/** What a version has in each report; 0 where a report does not know it. */
export function versionsOverTime(reports: readonly FleetReport[]): Markup {
  const names = [...new Set(reports.flatMap(({ modelStats }) => modelStats.map(nameOf)))].sort();
  return overTime(
    reports,
    'Devices by model version',
    '',
    names.map((name) => ({
      name,
      value: ({ modelStats }) => {
        const found = modelStats.find((model) => nameOf(model) === name);
        return (found?.connectedDeviceCount ?? 0) + (found?.offlineDeviceCount ?? 0);
      },
    })),
  );
}

export function latency(report: FleetReport, reports: readonly FleetReport[]): Markup {
  const { latencyP99Ms } = report;
  if (latencyP99Ms.length === 0) return empty('No device has reported a latency.');
  const rows = latencyP99Ms.map(({ percent, value }) => ({
    name: `${percent} % of devices`,
    label: `≤ ${readable(value)} ms`,
    parts: [{ name: 'p99', value, kind: 'value' }],
  }));
  const at = (percent: number) => (one: FleetReport) =>
    one.latencyP99Ms.find((given) => given.percent === percent)?.value;
  return html`${barRows('Latency', rows)}${overTime(
    reports,
    'p99 of a prediction on a device',
    'ms',
    latencyP99Ms.map(({ percent }) => ({ name: `${percent} % of devices`, value: at(percent) })),
  )}`;
}

export function captureVolume({ capture }: FleetReport, reports: readonly FleetReport[]): Markup {
  if (capture === undefined) {
    return empty(
      'The fleet index has no field for captures: edge-manager report FLEET --set-up adds it where the account has room.',
    );
  }
  const rows = [
    { name: 'in S3, since the agents’ start', value: capture.deliveredRecords, kind: 'healthy' },
    { name: 'waiting on devices', value: capture.queuedRecords, kind: 'probation' },
  ].flatMap(({ name, value, kind }) =>
    value === undefined ? [] : [{ name, label: readable(value), parts: [{ name, value, kind }] }],
  );
  return html`${barRows('Captured records', rows)}${overTime(reports, 'Captured records', '', [
    { name: 'in S3, since the agents’ start', value: (one) => one.capture?.deliveredRecords },
    { name: 'waiting on devices', value: (one) => one.capture?.queuedRecords },
  ])}`;
}

export function agents({ agentVersions }: FleetReport): Markup {
  if (agentVersions.length === 0) return empty('No agent has reported.');
  return barRows(
    'Agent versions',
    agentVersions.map(({ version, agentCount }) => ({
      name: version,
      label: readable(agentCount),
      parts: [{ name: 'devices', value: agentCount, kind: 'value' }],
    })),
  );
}

export function inNeed(devices: readonly DeviceInNeed[]): Markup {
  if (devices.length === 0) return empty('No device fails, has drifted, or serves what is in doubt.');
  return table(
    ['device', 'state', 'connected', 'models'],
    devices.map((one) => [one.device, one.state, one.connected ? 'yes' : 'no', one.models.join('; ')]),
  );
}

export function deployments(entries: readonly HistoryEntry[]): Markup {
  if (entries.length === 0) return empty('The fleet has no deployment.');
  return table(
    ['when (UTC)', 'deployment', 'purpose', 'state', 'devices', 'components', 'why'],
    entries.map((one) => [
      new Date(one.createdAtMs).toISOString().slice(0, 16).replace('T', ' '),
      one.name,
      one.purpose,
      one.state,
      `${readable(one.succeededDevices)} well, ${readable(one.failedDevices)} failed`,
      Object.entries(one.components)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
      [one.reason, ...one.failures.map(({ thing, status, reason }) => `${thing} ${status}: ${reason}`)]
        .filter((text) => text !== '')
        .join('; '),
    ]),
  );
}

function overTime(
  reports: readonly FleetReport[],
  title: string,
  unit: string,
  lines: readonly { readonly name: string; readonly value: (report: FleetReport) => number | undefined }[],
): Markup {
  if (reports.length < 2) {
    return empty('Over time: give --history FILE at each report; two reports make the first line.');
  }
  const series: Series[] = lines.map(({ name, value }) => ({
    name,
    points: reports.flatMap((report) => {
      const found = value(report);
      return found === undefined ? [] : [{ atMs: report.reportGeneratedMs, value: found }];
    }),
  }));
  return lineChart(
    title,
    unit,
    series.filter(({ points }) => points.length > 0),
  );
}
