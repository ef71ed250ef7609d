import { deadline, isolation } from './agent/hang.js';
import { hostKill } from './agent/host-kill.js';
import { loopGap } from './agent/loop-gap.js';
import { faceLarge, faceSmall } from './agent/face.js';
import { engines } from './agent/engines.js';
import { hop } from './agent/hop.js';
import { idle } from './agent/idle.js';
import { loadCycles, memory } from './agent/memory.js';
import { recovery } from './agent/recovery.js';
import { predictLarge, predictSmall } from './agent/predict.js';
import { spare } from './agent/spare.js';
import { start } from './agent/start.js';
import { throughput, twoModels } from './agent/throughput.js';
import { update } from './agent/update.js';
import { backlog } from './backlog.js';
import { captureCost, durableCapture } from './capture.js';
import { big } from './big/big.js';
import type { BenchRow } from './row.js';
import { fleet } from './fleet/fleet.js';
import { models, zips } from './models.js';
import { pythonServer } from './peers/python-server.js';
import { uploadRate } from './upload.js';

/** All measurements, in the order in which they run. */
export const ROWS: readonly BenchRow[] = [
  predictSmall,
  predictLarge,
  faceSmall,
  faceLarge,
  hop,
  engines,
  pythonServer,
  throughput,
  twoModels,
  loopGap,
  isolation,
  deadline,
  update,
  hostKill,
  recovery,
  start,
  spare,
  memory,
  loadCycles,
  idle,
  captureCost,
  durableCapture,
  uploadRate,
  backlog,
  fleet,
  models,
  zips,
  big,
];
