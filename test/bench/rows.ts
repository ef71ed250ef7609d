import { loopGap } from './agent/loop-gap.js';
import { predictLarge, predictSmall } from './agent/predict.js';
import { throughput, twoModels } from './agent/throughput.js';
import { backlog } from './backlog.js';
import { captureCost, durableCapture } from './capture.js';
import type { BenchRow } from './figure.js';
import { uploadRate } from './upload.js';

/** All measurements, in the order in which they run. */
export const ROWS: readonly BenchRow[] = [
  predictSmall,
  predictLarge,
  throughput,
  twoModels,
  loopGap,
  captureCost,
  durableCapture,
  uploadRate,
  backlog,
];
