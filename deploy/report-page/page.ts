import { sha256 } from '../../src/system/mod.js';
import type { HistoryEntry } from '../rollout/mod.js';
import type { DeviceInNeed } from '../report/mod.js';
import type { FleetReport } from '../report/mod.js';
import { readable, share } from './axis.js';
import { html, Markup, NOTHING } from './markup.js';
import {
  agents,
  captureVolume,
  deployments,
  deviceStates,
  inNeed,
  latency,
  modelVersions,
  section,
  versionsOverTime,
} from './sections.js';
import { STYLE } from './style.js';

export interface PageContent {
  readonly report: FleetReport;
  /** Reports of the same fleet, oldest first, this one included. */
  readonly history: readonly FleetReport[];
  readonly inNeed: readonly DeviceInNeed[];
  readonly deployments: readonly HistoryEntry[];
}

/** One self-contained page: no script, nothing loaded, all text escaped. */
export function reportPage({ report, history, ...more }: PageContent): string {
  const hash = Buffer.from(sha256(STYLE)).toString('base64');
  // The hash is of the text between the tags, to the last space: no template may touch it.
  const style = new Markup(`<style>${STYLE}</style>`);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'sha256-${hash}'; img-src data:"
        />
        <meta name="referrer" content="no-referrer" />
        <link rel="icon" href="data:," />
        <title>${report.deviceFleetName} · fleet report</title>
        ${style}
      </head>
      <body>
        <main>
          ${heading(report)} ${tiles(report)}
          <div class="columns">
            ${section('Devices by state', deviceStates(report), 'wide')}
            ${section('Model versions', modelVersions(report))}
            ${section('Versions over time', versionsOverTime(history))}
            ${section('Latency', latency(report, history))}
            ${section('Capture', captureVolume(report, history))}
            ${section('Devices to look at', inNeed(more.inNeed), 'wide')}
            ${section('Deployments', deployments(more.deployments), 'wide')}
            ${section('Agent versions', agents(report))}
          </div>
          <footer>${footer(history)}</footer>
        </main>
      </body>
    </html> `;
  return page.text;
}

function heading(report: FleetReport): Markup {
  const { s3OutputLocation } = report.outputConfig;
  const generated = new Date(report.reportGeneratedMs).toISOString().slice(0, 16).replace('T', ' ');
  return html`<header>
    <h1>${report.deviceFleetName}</h1>
    <p>
      ${report.description === '' ? NOTHING : html`${report.description} · `}${generated}
      UTC${s3OutputLocation === undefined ? NOTHING : html` · captures in <code>${s3OutputLocation}</code>`}
    </p>
  </header>`;
}

function tiles({ deviceStats, deviceStates: states, latencyP99Ms }: FleetReport): Markup {
  const { registeredDeviceCount, connectedDeviceCount } = deviceStats;
  const median = latencyP99Ms.find(({ percent }) => percent === 50)?.value;
  const bad = states.failing + states.drifted;
  return html`<div class="tiles">
    ${tile('registered', readable(registeredDeviceCount), 'devices registered')}
    ${tile('connected', readable(connectedDeviceCount), `connected, ${share(connectedDeviceCount, registeredDeviceCount)}`)}
    ${tile('healthy', readable(states.healthy), `healthy, ${share(states.healthy, connectedDeviceCount)} of connected`)}
    ${tile('bad', readable(bad), 'failing or drifted', bad > 0 ? 'bad' : '')}
    ${tile('latency', median === undefined ? '–' : `${readable(median)} ms`, 'p99 on the median device')}
  </div>`;
}

function tile(figure: string, value: string, text: string, kind = ''): Markup {
  return html`<div class="tile ${kind}"><b data-figure="${figure}">${value}</b><span>${text}</span></div>`;
}

function footer(history: readonly FleetReport[]): string {
  return `Connected: the device holds an MQTT connection now, as fleet indexing has it. Curves: ${history.length} report${history.length === 1 ? '' : 's'} in the history.`;
}
