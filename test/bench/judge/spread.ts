import { quantile } from '../../../examples/floors/statistics.js';

/** The quartiles of some values. */
export interface Spread {
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
}

/** NaN for no values. */
export function spreadOf(values: readonly number[]): Spread {
  return { p25: quantile(values, 0.25), p50: quantile(values, 0.5), p75: quantile(values, 0.75) };
}

/** How wide the middle half lies, as a share of the middle: 0.3 is 30 %. */
export function widthOf({ p25, p50, p75 }: Spread): number {
  if (p25 === p75) return 0;
  return (p75 - p25) / Math.abs(p50);
}
