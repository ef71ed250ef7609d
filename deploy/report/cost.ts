/** US dollars in us-east-1 without free tiers; docs/scale.md says where each stands and which were not confirmed. */
export const PRICES = {
  /** AWS IoT Core pricing, messaging: each 5 KB of a message. */
  message: 1.0 / 1e6,
  /** AWS IoT Core pricing, device shadow and registry: each 1 KB of an operation. */
  shadowOperation: 1.25 / 1e6,
  /** AWS IoT Device Management pricing, fleet indexing: each 1 KB of an update. */
  indexUpdate: 2.25 / 1e6,
  /** AWS IoT Device Management pricing, fleet indexing: a search or aggregation. */
  indexQuery: 0.05 / 1e4,
  /** AWS IoT Device Management pricing, jobs: an execution on a device. */
  jobExecution: 0.003,
  /** Amazon S3 pricing, S3 Standard: a PUT. */
  s3Put: 0.005 / 1e3,
  /** Amazon S3 pricing, S3 Standard: a GB kept for a month. */
  s3GbMonth: 0.023,
} as const;

/** What a fleet does in a month. */
export interface FleetUse {
  readonly devices: number;
  /** The agent's `heartbeat.intervalMinutes`. */
  readonly heartbeatMinutes: number;
  readonly heartbeatBytes: number;
  /** Rollouts a month to all devices. */
  readonly rollouts: number;
  /** Share of the devices in stages before the last: they get a rollout twice. */
  readonly stagedShare: number;
  readonly reportsPerHour: number;
  /** Captured objects of a device an hour, and their size. */
  readonly objectsPerHour: number;
  readonly objectBytes: number;
  readonly keptMonths: number;
}

export interface MonthlyCost {
  readonly heartbeats: number;
  readonly indexing: number;
  readonly rollouts: number;
  readonly captures: number;
  readonly total: number;
}

const HOURS = 730;
/** Each pause is shortened by up to a fifth at random. */
const MEAN_PAUSE = 0.9;
/** Index queries of one report. */
const QUERIES = 8;

/** Dollars a month; linear, as quantity discounts are left out. */
export function monthlyCost(use: FleetUse): MonthlyCost {
  const beats = (use.devices * HOURS * 60) / (use.heartbeatMinutes * MEAN_PAUSE);
  const kilobytes = Math.ceil(use.heartbeatBytes / 1024);
  const heartbeats =
    beats * (Math.ceil(use.heartbeatBytes / 5120) * PRICES.message + kilobytes * PRICES.shadowOperation);
  const queries = use.reportsPerHour * HOURS * QUERIES;
  const indexing = beats * kilobytes * PRICES.indexUpdate + queries * PRICES.indexQuery;
  const rollouts = use.devices * use.rollouts * (1 + use.stagedShare) * PRICES.jobExecution;
  const objects = use.devices * HOURS * use.objectsPerHour;
  const captures =
    objects * PRICES.s3Put + (objects * use.objectBytes * use.keptMonths * PRICES.s3GbMonth) / 1e9;
  return { heartbeats, indexing, rollouts, captures, total: heartbeats + indexing + rollouts + captures };
}

/** What docs/scale.md works out: one model, a report and a captured object an hour, one rollout a month. */
export const TYPICAL: Omit<FleetUse, 'devices'> = {
  heartbeatMinutes: 60,
  heartbeatBytes: 512,
  rollouts: 1,
  stagedShare: 0.01,
  reportsPerHour: 1,
  objectsPerHour: 1,
  objectBytes: 50_000,
  keptMonths: 1,
};
