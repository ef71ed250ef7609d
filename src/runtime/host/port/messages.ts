import type { CaptureRecord } from '../../../capture/mod.js';
import type { Reason } from '../../../contract/mod.js';
import { EdgeError, toEdgeError, type JsonObject } from '../../../core/mod.js';
import type { LoadReport, LoadSpec, RunRequest, RunResult } from './model-hosts.js';

/** What the control process asks of a host. `id` is unique per process. */
export type HostCommand =
  | {
      readonly type: 'load';
      readonly id: number;
      readonly spec: LoadSpec;
      readonly allowSpinning: boolean;
      /** Refused in a host that is not held to its own files. */
      readonly onlyConfined: boolean;
    }
  | {
      readonly type: 'run';
      readonly id: number;
      readonly key: string;
      readonly request: RunRequest;
      /** On the machine's monotonic clock (`process.hrtime`), which all processes share, in milliseconds. */
      readonly deadlineAtMs: number;
    }
  | {
      readonly type: 'capture';
      readonly id: number;
      readonly key: string;
      readonly capture: JsonObject | undefined;
    }
  | { readonly type: 'unload'; readonly id: number; readonly key: string };

export interface HostFailure {
  readonly reason: Reason;
  readonly message: string;
  readonly field?: string | undefined;
  readonly nextStep?: string | undefined;
}

/** What a host says. Both ends are one version of our own code, so messages are typed, not validated. */
export type HostMessage =
  | {
      readonly type: 'done';
      readonly id: number;
      readonly value: LoadReport | RunResult | undefined;
    }
  | { readonly type: 'failed'; readonly id: number; readonly error: HostFailure }
  | { readonly type: 'captured'; readonly record: CaptureRecord };

export function toFailure(thrown: unknown, action: string): HostFailure {
  const { reason, message, field, nextStep } = toEdgeError(thrown, action);
  return { reason, message, field, nextStep };
}

export function fromFailure({ reason, message, field, nextStep }: HostFailure): EdgeError {
  return new EdgeError(reason, message, { field, nextStep });
}
