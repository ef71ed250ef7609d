import type { Reason, Tensor, TensorMetadata } from '../../src/contract/mod.js';
import type { GraphOptimization } from '../../src/engine/mod.js';
import type { OutputBounds, Tolerance } from '../../src/model/mod.js';

/** Work for a process that loads one model, runs it and ends. */
export interface SessionTask {
  readonly modelFile: string;
  readonly graphOptimization: GraphOptimization;
  /** Writes the optimised graph there. */
  readonly optimizedModelFile?: string;
  /** Inputs of each run. */
  readonly cases: readonly (readonly Tensor[])[];
  /** Timed runs of the first case, after the ones above; 0: no timing. */
  readonly timedRuns: number;
  /** Also runs each case many times, for a model that draws random numbers. */
  readonly distribution?: {
    readonly tolerance: Tolerance;
    /** By case: what other runs have stated. */
    readonly held?: readonly (readonly OutputBounds[])[];
  };
}

export interface SessionResult {
  /** `onnxruntime-node <version>`. */
  readonly engine: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
  readonly loadMs: number;
  /** Outputs of each case. */
  readonly results: readonly (readonly Tensor[])[];
  readonly latencyP50Ms: number | undefined;
  /** Where the task asks for it. */
  readonly distribution?: Distribution;
}

export interface Distribution {
  /** By case. */
  readonly bounds: readonly (readonly OutputBounds[])[];
  /** By case: the first of the held bounds that was not kept. */
  readonly outside: readonly (string | undefined)[];
}

export type ChildReply =
  | { readonly ok: true; readonly result: SessionResult }
  | {
      readonly ok: false;
      readonly reason: Reason;
      readonly message: string;
      readonly nextStep: string | undefined;
    };
