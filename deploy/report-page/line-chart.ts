import { readable, ticks, timeTicks } from './axis.js';
import { html, NOTHING, type Markup } from './markup.js';

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly atMs: number; readonly value: number }[];
}

const WIDTH = 640;
const HEIGHT = 220;
const PLOT = { left: 56, right: 12, top: 12, bottom: 28 };
/** Colours and dashes repeat after these; the legend tells them apart also without colour. */
const STYLES = 6;

/** Values over time, one line for each series; the table beside it holds the same figures. */
export function lineChart(title: string, unit: string, series: readonly Series[]): Markup {
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) return NOTHING;
  const fromMs = Math.min(...points.map(({ atMs }) => atMs));
  const toMs = Math.max(...points.map(({ atMs }) => atMs), fromMs + 60_000);
  const levels = ticks(points.reduce((highest, { value }) => Math.max(highest, value), 0));
  const top = levels.at(-1) ?? 1;
  const x = (atMs: number): number =>
    PLOT.left + ((atMs - fromMs) / (toMs - fromMs)) * (WIDTH - PLOT.left - PLOT.right);
  const y = (value: number): number =>
    HEIGHT - PLOT.bottom - (value / top) * (HEIGHT - PLOT.top - PLOT.bottom);
  return html`<figure class="chart">
    <figcaption>${title}${unit === '' ? '' : `, ${unit}`}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
      ${levels.map((level) => gridLine(level, y(level)))}
      ${timeTicks(fromMs, toMs).map(({ atMs, label }, index, all) => timeLabel(x(atMs), label, index, all.length))}
      ${series.map((one, index) => line(one, index % STYLES, x, y))}
    </svg>
    ${legend(series)}
  </figure>`;
}

function gridLine(level: number, at: number): Markup {
  return html`<line class="grid" x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${at}" y2="${at}" /><text
      class="tick"
      x="${PLOT.left - 6}"
      y="${at + 4}"
      text-anchor="end"
      >${readable(level)}</text
    >`;
}

function timeLabel(at: number, label: string, index: number, count: number): Markup {
  const anchor = index === 0 ? 'start' : index === count - 1 ? 'end' : 'middle';
  return html`<text class="tick" x="${at}" y="${HEIGHT - 8}" text-anchor="${anchor}">${label}</text>`;
}

function line(
  { name, points }: Series,
  style: number,
  x: (atMs: number) => number,
  y: (value: number) => number,
): Markup {
  const path = points.map(({ atMs, value }) => `${x(atMs).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const dots = points.map(
    ({ atMs, value }) =>
      html`<circle class="dot s${style}" cx="${x(atMs).toFixed(1)}" cy="${y(value).toFixed(1)}" r="2.5"
        ><title>${name}: ${readable(value)} at ${new Date(atMs).toISOString().slice(0, 16)}Z</title></circle
      >`,
  );
  return html`<polyline class="line s${style}" data-series="${name}" points="${path}" />${dots}`;
}

function legend(series: readonly Series[]): Markup {
  const entries = series.map(
    ({ name, points }, index) =>
      html`<li>
        <svg class="key" viewBox="0 0 24 8" aria-hidden="true">
          <line class="line s${index % STYLES}" x1="0" x2="24" y1="4" y2="4" /></svg
        >${name} <strong>${readable(points.at(-1)?.value ?? 0)}</strong>
      </li>`,
  );
  return html`<ul class="legend">
    ${entries}
  </ul>`;
}
