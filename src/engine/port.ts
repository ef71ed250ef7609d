import type { Tensor, TensorMetadata } from '../contract/mod.js';

/** Graph optimisation as onnxruntime names it; `disabled` for a model that was optimised before. */
export type GraphOptimization = 'disabled' | 'basic' | 'extended' | 'layout' | 'all';

export interface SessionOptions {
  readonly graphOptimization?: GraphOptimization;
  /** Threads within one operator. Default 1. */
  readonly intraOpThreads?: number;
  /** Lets idle threads spin: lower latency for a busy core. Default false. */
  readonly allowSpinning?: boolean;
  /** How the bytes are read, whatever they look like. Default `ONNX`; `ORT` only for a file that ONNX Runtime wrote here. */
  readonly format?: 'ONNX' | 'ORT';
  /**
   * Where the files lie that hold the model's weights; absolute. They are mapped, not read, and never packed anew for
   * this CPU, which would be a second copy of them in memory.
   */
  readonly weightsFolder?: string;
  /** Writes the optimised graph to this file. At `layout` and `all` it fits this CPU only. */
  readonly optimizedModelFile?: string;
  /** Takes the weights of that graph: the name of a file beside it. Absent: they stand in it. */
  readonly optimizedWeightsFile?: string;
}

/** One loaded model. Blocking: run it in a process that may be killed. */
export interface EngineSession {
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
  /**
   * @param inputs exactly the model's inputs by name (unknown ones are refused with INVALID_ARGUMENT)
   * @param outputs names of wanted outputs; absent: all, in the model's order
   */
  run(inputs: readonly Tensor[], outputs?: readonly string[]): Promise<readonly Tensor[]>;
  close(): Promise<void>;
}

/** A model's bytes, or a file that nobody changes meanwhile. */
export type ModelSource = Uint8Array | { readonly file: string };

/** ONNX Runtime as a port. */
export interface Engine {
  readonly version: string;
  /** Throws FAILED_PRECONDITION with the runtime's reason where the model cannot be loaded. */
  load(model: ModelSource, options?: SessionOptions): Promise<EngineSession>;
}
