import { EdgeError, retry, type Clock } from '../../src/core/mod.js';
import type { Deployments, Platforms, ThingGroups } from '../cloud/fleet/mod.js';
import type { RolloutCloud } from './context.js';
import { latestOf, MARKS } from './marks.js';
import type { RolloutPlan } from './rollout-plan.js';
import { proposeRollout, type RolloutProposal } from './proposal.js';
import { RolloutRun } from './run.js';
import { FINAL_OUTCOMES, type RolloutStatus } from './status.js';

export interface FollowOptions {
  readonly clock: Clock;
  /** Between two looks. Default 5,000. */
  readonly pollMs?: number;
  /** End when a person must continue, rather than wait for it. */
  readonly stopWhenWaiting?: boolean;
  readonly onStatus?: (status: RolloutStatus) => void;
  readonly signal?: AbortSignal;
}

const DEFAULT_POLL_MS = 5000;

/**
 * Starts a rollout, or goes on with it, and follows it to its end. Ending this process does no harm: the stage
 * that runs goes on within its limits, no new one starts, and the same command goes on from there.
 */
export async function applyRollout(
  cloud: RolloutCloud & Platforms,
  plan: unknown,
  options: FollowOptions,
): Promise<{ readonly proposal: RolloutProposal; readonly status: RolloutStatus }> {
  const proposal = await proposeRollout(cloud, plan);
  const run = new RolloutRun(cloud, options.clock, proposal);
  for (;;) {
    const status = await patientTick(run, options);
    options.onStatus?.(status);
    if (
      FINAL_OUTCOMES.has(status.outcome) ||
      (status.outcome === 'WAITING' && options.stopWhenWaiting === true)
    ) {
      return { proposal, status };
    }
    await options.clock.sleep(options.pollMs ?? DEFAULT_POLL_MS, options.signal);
  }
}

/** What passes by itself: throttling, a conflict with another call, a lost connection. */
const PASSING: ReadonlySet<EdgeError['code']> = new Set([
  'RESOURCE_EXHAUSTED',
  'ALREADY_EXISTS',
  'UNAVAILABLE',
]);
const MOST_TRIES = 6;
const LONGEST_PAUSE_POLLS = 5;

/** A tick may be repeated at any point, so what passes by itself is waited for. */
async function patientTick(
  run: RolloutRun,
  { clock, pollMs = DEFAULT_POLL_MS, signal }: FollowOptions,
): Promise<RolloutStatus> {
  return await retry(() => run.tick(), {
    clock,
    baseMs: pollMs,
    capMs: pollMs * LONGEST_PAUSE_POLLS,
    maxTries: MOST_TRIES,
    signal,
    worth: (thrown) => thrown instanceof EdgeError && PASSING.has(thrown.code),
  });
}

/** Where a rollout stands; changes nothing. */
export async function rolloutStatus(
  cloud: RolloutCloud & Platforms,
  plan: unknown,
  clock: Clock,
): Promise<RolloutStatus> {
  const proposal = await proposeRollout(cloud, plan, { isCheckedBefore: true });
  return new RolloutRun(cloud, clock, proposal, { readOnly: true }).tick();
}

/** Watches a rollout that somebody else carries out, until it has ended; changes nothing. */
export async function watchRollout(
  cloud: RolloutCloud & Platforms,
  plan: unknown,
  options: FollowOptions,
): Promise<RolloutStatus> {
  const proposal = await proposeRollout(cloud, plan, { isCheckedBefore: true });
  const run = new RolloutRun(cloud, options.clock, proposal, { readOnly: true });
  for (;;) {
    const status = await patientTick(run, options);
    options.onStatus?.(status);
    const isWaiting = status.outcome === 'WAITING' && options.stopWhenWaiting === true;
    if (FINAL_OUTCOMES.has(status.outcome) || isWaiting) return status;
    await options.clock.sleep(options.pollMs ?? DEFAULT_POLL_MS, options.signal);
  }
}

/** Lets the stage that waits for a person go on, from any process; `apply` starts the next one. */
export async function continueRollout(
  cloud: RolloutCloud & Platforms,
  plan: RolloutPlan,
  clock: Clock,
): Promise<void> {
  const status = await rolloutStatus(cloud, plan, clock);
  const waiting = status.stages.find((stage) => stage.state === 'WAITING');
  if (waiting?.deploymentId === undefined) {
    const now = status.stages.find(({ state }) => state === 'SOAKING' || state === 'RUNNING');
    throw new EdgeError(
      'ROLLOUT_NOT_RUNNING',
      `Cannot continue the rollout as no stage waits for a person: it is ${status.outcome}` +
        (now === undefined ? '' : `, stage ${now.name} is ${now.state}${now.detail && `: ${now.detail}`}`),
      now === undefined ? {} : { nextStep: 'Try again once deploy status says WAITING' },
    );
  }
  await cloud.tagDeployment(waiting.deploymentId, { [MARKS.order]: 'continue' });
}

/** Stops a rollout where it stands: no device that waits gets it any more, none goes back. */
export async function cancelRollout(
  cloud: RolloutCloud & Platforms,
  plan: RolloutPlan,
  clock: Clock,
): Promise<void> {
  const status = await rolloutStatus(cloud, plan, clock);
  const active = status.stages.find(
    (stage) => stage.deploymentId !== undefined && ['RUNNING', 'SOAKING', 'WAITING'].includes(stage.state),
  );
  if (active?.deploymentId === undefined) {
    throw new EdgeError(
      'ROLLOUT_NOT_RUNNING',
      `Cannot cancel the rollout as no stage runs: it is ${status.outcome}`,
    );
  }
  // The mark first: a kill after the cancel alone would read as met abort criteria.
  await cloud.tagDeployment(active.deploymentId, { [MARKS.order]: 'canceled' });
  await cloud.cancelDeployment(active.deploymentId);
}

/** The fleet's deployment now, whole; undefined where it has none. */
export async function currentDeployment(
  cloud: ThingGroups & Deployments,
  fleet: string,
): Promise<Awaited<ReturnType<typeof latestOf>>> {
  const arn = await cloud.groupArn(fleet);
  return arn === undefined ? undefined : latestOf(cloud, arn);
}
