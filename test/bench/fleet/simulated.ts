import type { HeartbeatDocument } from '../../../src/contract/mod.js';

export const FLEET = 'cameras';
export const MODEL_COMPONENT = 'org.edgemanager.model.mnist';
export const FROM = '5.0.0';
export const TO = '6.0.0';

/** What the planner's process must know to reach the cloud's. */
export interface CloudAddress {
  readonly endpoint: string;
  readonly environment: Readonly<Record<string, string>>;
}

export type CloudQuestion =
  | { readonly kind: 'address' }
  /** Calls since the last such question, by operation. */
  | { readonly kind: 'calls' };

export type CloudAnswer = CloudAddress | ReadonlyMap<string, number>;

export type PlannerQuestion = { readonly kind: 'plan' | 'apply' | 'report' };

export interface PlannerAnswer {
  readonly seconds: number;
  /** The process's peak so far. */
  readonly maxRssBytes: number;
  /** Devices that the step saw: planned, succeeded, or reported. */
  readonly devices: number;
  /** How often the step looked. */
  readonly looks: number;
}

export function heartbeatOf(thing: string, version: string): HeartbeatDocument {
  return {
    agentVersion: '1.0.0',
    device: thing,
    fleet: FLEET,
    models: [
      {
        name: 'mnist',
        version,
        state: 'SERVING',
        sampling: true,
        requests: 1000,
        errors: 0,
        p50Ms: 4,
        p99Ms: 9,
      },
    ],
    capture: { delivered: 100, dropped: 0, queuedRecords: 0, queueBytes: 0 },
  };
}
