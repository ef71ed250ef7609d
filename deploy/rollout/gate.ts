/** What a stage must show before the next one starts. */
export interface GateRules {
  /** Share of the stage's devices that must have succeeded, 0 to 1. */
  readonly minSucceededShare: number;
  /** Share of finished devices that may have failed, 0 to 1; more stops the rollout. */
  readonly maxFailedShare: number;
  /** Failures are judged once this many devices have finished. */
  readonly minFinished: number;
  /** How long a stage must have been healthy before the next starts, seconds. */
  readonly soakSeconds: number;
  /** After this long without being healthy the rollout stops, seconds. */
  readonly timeoutSeconds: number;
}

/** What is known of a stage now. */
export interface StageHealth {
  readonly devices: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Devices whose heartbeat says that the wanted version does not serve: rolled back, drifted, agent in error. */
  readonly unhealthy: number;
  /** Devices whose heartbeat says that the wanted version is still on probation. */
  readonly onProbation: number;
  /** Devices whose heartbeat says that the wanted version serves; undefined where the plan names no models. */
  readonly serving?: number | undefined;
  /** Devices whose heartbeat has no room for the wanted version: whether it serves is not known. */
  readonly unnamed?: number | undefined;
  /** Seconds since the stage was started. */
  readonly ageSeconds: number;
  /** Seconds since the stage was first seen healthy; undefined while it is not. */
  readonly healthySeconds: number | undefined;
}

export type GateVerdict =
  | { readonly verdict: 'healthy' }
  | { readonly verdict: 'soaking'; readonly remainingSeconds: number }
  | { readonly verdict: 'waiting'; readonly reason: string }
  | { readonly verdict: 'stop'; readonly reason: string };

/** Decides whether a rollout goes on. Pure: the same facts give the same verdict. */
export function judgeStage(health: StageHealth, rules: GateRules): GateVerdict {
  const bad = health.failed + health.unhealthy;
  const finished = Math.max(health.succeeded + health.failed, bad);
  if (
    finished >= Math.min(rules.minFinished, Math.max(1, health.devices)) &&
    bad > rules.maxFailedShare * finished
  ) {
    return {
      verdict: 'stop',
      reason: `${bad} of ${finished} finished devices failed, and at most ${percent(rules.maxFailedShare)} may`,
    };
  }
  const needed = Math.ceil(rules.minSucceededShare * health.devices);
  const good = Math.min(
    Math.max(0, health.succeeded - health.unhealthy - health.onProbation),
    health.serving ?? Infinity,
  );
  if (good < needed) {
    const unnamed =
      (health.unnamed ?? 0) > 0 ? `, ${health.unnamed} have more models than their heartbeat can name` : '';
    if (health.ageSeconds >= rules.timeoutSeconds) {
      return {
        verdict: 'stop',
        reason: `${good} of ${needed} needed devices were healthy after ${rules.timeoutSeconds} s${unnamed}`,
      };
    }
    const onProbation = health.onProbation > 0 ? `, ${health.onProbation} on probation` : '';
    return {
      verdict: 'waiting',
      reason: `${good} of ${needed} needed devices are healthy${onProbation}${unnamed}`,
    };
  }
  const soaked = health.healthySeconds ?? 0;
  if (soaked < rules.soakSeconds) return { verdict: 'soaking', remainingSeconds: rules.soakSeconds - soaked };
  return { verdict: 'healthy' };
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
