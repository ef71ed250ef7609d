/** Round values from 0 to at least `highest`, in steps of 1, 2 or 5 times a power of ten. */
export function ticks(highest: number, wanted = 4): readonly number[] {
  if (highest <= 0) return [0, 1];
  const rough = highest / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const count = Math.ceil(highest / step - 1e-9);
  return Array.from({ length: count + 1 }, (_one, index) => Number((index * step).toPrecision(12)));
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Some instants of a span with their labels, in UTC: times of day where it is short, days where it is long. */
export function timeTicks(
  fromMs: number,
  toMs: number,
  wanted = 5,
): readonly { atMs: number; label: string }[] {
  const span = Math.max(toMs - fromMs, MINUTE_MS);
  return Array.from({ length: wanted }, (_one, index) => {
    const atMs = fromMs + (span * index) / (wanted - 1);
    const iso = new Date(atMs).toISOString();
    const label = span > 3 * DAY_MS ? iso.slice(0, 10) : iso.slice(5, 16).replace('T', ' ');
    return { atMs, label };
  });
}

/** A count or a measure for people: 12,345 or 3.2. */
export function readable(value: number): string {
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : 1;
  return value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

export function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(part === 0 || part === whole ? 0 : 1)} %`;
}
