import { readable, share } from './axis.js';
import { html, type Markup } from './markup.js';

export interface Part {
  readonly name: string;
  readonly value: number;
  /** Names its colour in style.ts. */
  readonly kind: string;
}

const WIDTH = 640;

/** Parts of a whole side by side, with a legend that says each count and share. */
export function stackedBar(title: string, parts: readonly Part[], height = 28): Markup {
  const whole = parts.reduce((sum, { value }) => sum + value, 0);
  let at = 0;
  const rectangles = parts
    .filter(({ value }) => value > 0)
    .map(({ name, value, kind }) => {
      const width = whole === 0 ? 0 : (WIDTH * value) / whole;
      const rectangle = html`<rect
        class="k-${kind}"
        data-part="${name}"
        x="${at.toFixed(2)}"
        y="0"
        width="${width.toFixed(2)}"
        height="${height}"
        ><title>${name}: ${readable(value)} (${share(value, whole)})</title></rect
      >`;
      at += width;
      return rectangle;
    });
  const legend = parts.map(
    ({ name, value, kind }) =>
      html`<li>
        <span class="swatch k-${kind}"></span>${name} <strong>${readable(value)}</strong>
        <span class="dim">${share(value, whole)}</span>
      </li>`,
  );
  return html`<figure class="chart">
    <svg
      class="stack"
      viewBox="0 0 ${WIDTH} ${height}"
      preserveAspectRatio="none"
      role="img"
      aria-label="${title}"
    >
      ${rectangles}
    </svg>
    <ul class="legend">
      ${legend}
    </ul>
  </figure>`;
}

export interface BarRow {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly label: string;
}

/** A bar for each row, all on one scale; the label behind it says the figures. */
export function barRows(title: string, rows: readonly BarRow[]): Markup {
  const total = ({ parts }: BarRow): number => parts.reduce((sum, { value }) => sum + value, 0);
  const longest = Math.max(1, ...rows.map(total));
  const lines = rows.map((row) => {
    let at = 0;
    const rectangles = row.parts.map(({ name, value, kind }) => {
      const width = (100 * value) / longest;
      const rectangle = html`<rect
        class="k-${kind}"
        x="${at.toFixed(2)}"
        y="0"
        width="${width.toFixed(2)}"
        height="10"
        ><title>${row.name}, ${name}: ${readable(value)}</title></rect
      >`;
      at += width;
      return rectangle;
    });
    return html`<tr>
      <th scope="row">${row.name}</th>
      <td class="bar">
        <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${rectangles}</svg>
      </td>
      <td class="number">${row.label}</td>
    </tr>`;
  });
  return html`<table class="bars" aria-label="${title}">
    ${lines}
  </table>`;
}
