import { loopGap } from './agent/loop-gap.js';
import { predictLarge, predictSmall } from './agent/predict.js';
import { throughput, twoModels } from './agent/throughput.js';
import type { BenchRow } from './figure.js';

/** All measurements, in the order in which they run. */
export const ROWS: readonly BenchRow[] = [predictSmall, predictLarge, throughput, twoModels, loopGap];
