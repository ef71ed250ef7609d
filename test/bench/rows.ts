import { loopGap } from './agent/loop-gap.js';
import { predictLarge, predictSmall } from './agent/predict.js';
import type { BenchRow } from './figure.js';

/** All measurements, in the order in which they run. */
export const ROWS: readonly BenchRow[] = [predictSmall, predictLarge, loopGap];
